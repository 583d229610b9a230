"""Servers that start once per run and that all workers share."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from threading import Lock, Thread
from typing import Any

#: Starts a server, and returns what a test needs to reach it.
Start = Callable[[], Any]


class ServerHost:
    """Starts each server at most once, and answers workers where it is.

    Attributes:
        address: where workers ask.
        key: authenticates the workers of this run.
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
        """Return a server's address; start it if it does not run yet."""
        with self._starting:
            if name not in self._running:
                self._running[name] = self._starts[name]()
            return self._running[name]

    def _answer(self) -> None:
        while True:
            # A worker may die while it asks; the others still need an answer.
            with suppress(OSError, EOFError, AuthenticationError), self._listener.accept() as connection:
                try:
                    connection.send(self.server(connection.recv()))
                except Exception as error:  # noqa: BLE001 -- the worker that asked raises it
                    connection.send(error)


def ask(address: Any, key: bytes, name: str) -> Any:
    """Ask where a server is; raises why it could not start."""
    with Client(address, authkey=key) as connection:
        connection.send(name)
        found = connection.recv()
    if isinstance(found, Exception):
        raise found
    return found
