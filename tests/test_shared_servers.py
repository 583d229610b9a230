"""The servers of a run start once, whichever worker asks first."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from multiprocessing import AuthenticationError
from pathlib import Path

import pytest

from sandbox.processes import ProcessError
from tests.shared_servers import ServerHost, ask


def test_a_server_starts_once_for_all_who_ask() -> None:
    started = count(1)
    host = ServerHost({"postgresql": lambda: f"server {next(started)}"})
    with ThreadPoolExecutor() as workers:
        found = set(workers.map(lambda _: ask(host.address, host.key, "postgresql"), range(4)))
    assert found == {"server 1"} == {host.server("postgresql")}


def test_a_worker_raises_why_a_server_could_not_start_and_another_is_answered() -> None:
    def fail() -> None:
        raise ProcessError("PostgreSQL", "has ended", Path("postgresql.log"), [])

    host = ServerHost({"postgresql": fail, "s3": lambda: "running"})
    with pytest.raises(ProcessError, match="has ended"):
        ask(host.address, host.key, "postgresql")
    with pytest.raises(AuthenticationError):
        ask(host.address, b"another run", "s3")
    assert ask(host.address, host.key, "s3") == "running"
