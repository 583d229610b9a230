"""Peers in processes of their own, which answer JSON lines."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

from benchmarks.cpu import CpuMeter
from benchmarks.measure import Sample
from benchmarks.servers import Servers


class PeerError(Exception):
    """A peer ended or answered nothing sensible."""


class Peer:
    """A peer in a process of its own, ready for requests.

    The options are passed as its first JSON line; it answers once it is ready. PEER_MODULES names what is installed
    with the extra `bench`.
    """

    def __init__(self, name: str, database_url: str, **options: Any) -> None:
        self.name = name
        self._options = {"database_url": database_url, **options}

    def __enter__(self) -> Self:
        if find_spec(self.name) is None:
            raise PeerError(f"The peer {self.name} is not installed: run `pip install '.[bench]'`.")
        self._process = subprocess.Popen(  # noqa: S603 -- our own module
            [sys.executable, "-m", f"benchmarks.peers.{self.name}_peer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            text=True,
        )
        self.ask(self._options)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request; return the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise PeerError(f"The peer {self.name} has ended; its error is above.")

    def rate(self, what: str, operations: int, servers: Servers) -> Sample:
        """Have the peer do something so many times; return its rate a second."""
        meter = CpuMeter({self.name: [self.pid], "PostgreSQL": [servers.pid_of("PostgreSQL")]})
        with meter.reading() as used:
            answer = self.ask({"do": what, "operations": operations})
        done = answer.get("operations", operations)
        return Sample(value=done / answer["seconds"], cpu_ms=used.ms_per(done))
