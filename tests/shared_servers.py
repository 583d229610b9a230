"""Servers that start once a run, when the first test needs one, and that all workers share."""

import os
from collections.abc import Callable, Mapping
from multiprocessing.connection import Client, Listener
from threading import Lock, Thread
from typing import Any

#: Starts a server, and returns what a test needs to reach it.
Start = Callable[[], Any]


class ServerHost:
    """The process that owns the servers: it starts each at most once, and tells workers where it is.

    Attributes:
        address: where workers ask.
        key: what they prove to be this run's workers with.
    """

    def __init__(self, starts: Mapping[str, Start]) -> None:
        self._starts = starts
        self._running: dict[str, Any] = {}
        self._starting = Lock()
        self.key = os.urandom(32)
        self._listener = Listener(authkey=self.key)
        self.address = self._listener.address
        Thread(target=self._answer, name="shared servers", daemon=True).start()

    def server(self, name: str) -> Any:
        """Where a server is, which is started if it does not run yet."""
        with self._starting:
            if name not in self._running:
                self._running[name] = self._starts[name]()
            return self._running[name]

    def _answer(self) -> None:
        while True:
            with self._listener.accept() as connection:
                try:
                    connection.send(self.server(connection.recv()))
                except Exception as error:  # noqa: BLE001 -- the worker that asked raises it
                    connection.send(error)


def ask(address: Any, key: bytes, name: str) -> Any:
    """Ask the host of this run where a server is; raises what kept it from starting."""
    with Client(address, authkey=key) as connection:
        connection.send(name)
        found = connection.recv()
    if isinstance(found, Exception):
        raise found
    return found
