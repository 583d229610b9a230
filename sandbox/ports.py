"""Free ports on 127.0.0.1, reserved, and stable between starts."""

import random
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sandbox.persisted_values import load_or_create, save

HOST = "127.0.0.1"

#: Below the range of ephemeral ports, above well-known services.
_CHOICE = range(20_000, 32_000)


def listening_socket(port: int = 0) -> socket.socket:
    """Return a socket that listens on 127.0.0.1, by default anywhere free.

    Raises OSError if the port is taken. It can be passed to a child process: `Process.start(pass_fds=...)`.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Connections of a former server in TIME_WAIT do not block the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


@contextmanager
def claimed_ports(file: Path, names: Sequence[str]) -> Iterator[dict[str, int]]:
    """Yield a reserved free port by name, the previous one if possible.

    A reservation is the UDP port of the same number: it leaves the TCP port to the server that will be started, and
    keeps other sandboxes away even before that server listens.
    """
    before = load_or_create(file, dict[str, int])
    with ExitStack() as reservations:
        ports = {name: _claim(before.get(name), reservations) for name in names}
        if ports != before:
            save(file, ports)
        yield ports


def _claim(preferred: int | None, reservations: ExitStack) -> int:
    chosen = random.sample(_CHOICE, 100)
    for port in chosen if preferred is None else [preferred, *chosen]:
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
