"""Twins as real processes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[2]


class TwinProcess:
    """A running twin and its control API."""

    def __init__(self, name: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"sandbox.twins.{name}", *arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the {name} twin did not start"
        self.announcement: dict[str, str] = json.loads(line)
        self.url = self.announcement["url"]
        self.port = self.url.rpartition(":")[2]
        self.http = httpx2.Client(base_url=self.url, trust_env=False, timeout=10)

    def control(self, method: str, path: str, body: object = None) -> Any:
        answer = self.http.request(method, f"/_twin/{path}", json=body).raise_for_status()
        return answer.json() if answer.content else None

    def misbehave(self, on: str, do: str, **details: object) -> str:
        fault_id: str = self.control("POST", "faults", {"on": on, "do": do, **details})["id"]
        return fault_id

    def behave(self) -> None:
        self.control("DELETE", "faults")

    def turn(self, **knobs: object) -> None:
        self.control("PUT", "settings", knobs)

    @contextmanager
    def on_loan(self, webhook_url: str) -> Iterator[None]:
        """Deliver webhooks to this address in the block, then reset the twin."""
        before = self.control("GET", "settings")
        self.turn(webhook_url=webhook_url)
        try:
            yield
        finally:
            self.behave()
            self.turn(**before)

    def ledger(self) -> dict[str, Any]:
        known: dict[str, Any] = self.control("GET", "ledger")
        return known

    def kill(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.wait(timeout=5)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.http.close()


@contextmanager
def running_twin(name: str, *arguments: str) -> Iterator[TwinProcess]:
    twin = TwinProcess(name, *arguments)
    try:
        yield twin
    finally:
        twin.stop()
