"""Peers in processes of their own, which answer JSON lines."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any, Self

from benchmarks.measure import Sample, rate
from benchmarks.servers import Servers


class PeerError(Exception):
    """A peer is not installed, or has ended."""


class Peer:
    """A peer in one or several processes, ready for requests.

    The options are each process's first JSON line, which it answers when it is ready.
    """

    def __init__(self, name: str, database_url: str, *, processes: int = 1, **options: Any) -> None:
        self.name = name
        self._options = {"database_url": database_url, **options}
        self._count = processes
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if find_spec(self.name) is None:
            raise PeerError(f"The peer {self.name} is not installed: run `pip install '.[bench]'`.")
        with self._stack:
            # One after the other: the first creates the tables.
            self._processes = [
                self._stack.enter_context(_Process(self.name, self._options)) for _ in range(self._count)
            ]
            self._threads = self._stack.enter_context(ThreadPoolExecutor(self._count))
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ask(self, what: str, operations: int) -> None:
        """Have the first process do something that is not measured."""
        self._processes[0].ask({"do": what, "operations": operations})

    def rate(self, what: str, operations: int, servers: Servers) -> Sample:
        """Have the processes share so many operations; return their rate a second."""
        pids = [process.pid for process in self._processes]
        request = {"do": what, "operations": operations // self._count}

        def do() -> None:
            for _ in self._threads.map(lambda process: process.ask(request), self._processes):
                pass

        return rate(operations, servers.meter({self.name: pids}), do)


class _Process:
    """One process of a peer."""

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self._name = name
        self._options = options

    def __enter__(self) -> Self:
        self._popen = subprocess.Popen(  # noqa: S603 -- our own module
            [sys.executable, "-m", f"benchmarks.peers.{self._name}_peer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            text=True,
        )
        self.ask(self._options)
        return self

    def __exit__(self, *_: object) -> None:
        self._popen.kill()  # its data is no longer needed
        self._popen.communicate()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._popen.pid

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request; return the answer."""
        if self._popen.stdin is None or self._popen.stdout is None:
            raise AssertionError("Both are pipes.")
        self._popen.stdin.write(json.dumps(request) + "\n")
        self._popen.stdin.flush()
        for line in self._popen.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise PeerError(f"The peer {self._name} has ended; its error is above.")
