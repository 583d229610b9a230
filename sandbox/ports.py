"""Port numbers on 127.0.0.1 that collide with nobody, and stay the same between starts."""

import random
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sandbox.persisted_values import keep, kept

HOST = "127.0.0.1"

#: Below the range from which systems take the ports of outgoing connections, above that of well-known services.
_CHOICE = range(20_000, 32_000)


def listening_socket(port: int = 0) -> socket.socket:
    """Return a socket that listens on 127.0.0.1; without a port, on one that was free.

    Raises OSError if somebody else listens there. It can be handed to a child process: `Process.start(pass_fds=...)`.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Connections of a former server that are still being forgotten do not keep the port from its successor.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


@contextmanager
def claimed_ports(file: Path, names: Sequence[str]) -> Iterator[dict[str, int]]:
    """Give each name a free port, the one it had the last time if possible, and reserve them for as long as needed.

    A reservation is the UDP port of the same number: it leaves the TCP port to the server that will be started, and
    keeps every other sandbox away even before that server listens.
    """
    before = kept(file, dict[str, int])
    with ExitStack() as reservations:
        ports = {name: _claim(before.get(name), reservations) for name in names}
        if ports != before:
            keep(file, ports)
        yield ports


def _claim(wished: int | None, reservations: ExitStack) -> int:
    chosen = random.sample(_CHOICE, 100)
    for port in chosen if wished is None else [wished, *chosen]:
        reservation = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            reservation.bind((HOST, port))
            listening_socket(port).close()
        except OSError:
            reservation.close()
            continue
        reservations.enter_context(reservation)
        return port
    raise OSError(f"No free port between {_CHOICE.start} and {_CHOICE.stop} on {HOST}: end some servers.")
