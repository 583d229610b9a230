"""python forward.py LISTEN TARGET PORT...: hand connections on to another address.

The twins listen on this machine's loopback and name it in what they answer, and the shop fetches from loopback without
TLS, from elsewhere it does not. So both sides of a container network forward: here from the network's gateway to
loopback, in a container from its loopback to the gateway.
"""

import socket
import sys
import threading
from contextlib import suppress


def main(listen: str, target: str, *ports: str) -> None:
    """Forward for ever."""
    for port in map(int, ports):
        listener = socket.create_server((listen, port))
        threading.Thread(target=_accept, args=(listener, (target, port))).start()
    sys.stdout.write("forwarding\n")
    sys.stdout.flush()


def _accept(listener: socket.socket, target: tuple[str, int]) -> None:
    while True:
        near, _ = listener.accept()
        try:
            far = socket.create_connection(target)
        except OSError:
            near.close()
            continue
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while received := source.recv(65_536):
            sink.sendall(received)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main(*sys.argv[1:])
