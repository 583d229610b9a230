"""An interrupted demo leaves no process; `dev` restarts processes that died."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.terminal_users import Start, left_nothing
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="what is left is looked for in /proc")


@pytest.mark.parametrize(
    ("words", "key", "status"),
    [
        ("Opening a shop", signal.SIGINT, 130),
        pytest.param("Opening a shop", signal.SIGTERM, 143, marks=pytest.mark.slow),
        pytest.param("Restoration started", signal.SIGINT, 130, marks=pytest.mark.slow),
    ],
)
def test_a_demo_that_is_interrupted_leaves_nothing(
    start: Start, words: str, key: signal.Signals, status: int
) -> None:
    visitor = start("demo")
    visitor.reads(words)
    eventually(visitor.processes, "a process of the demo")
    assert visitor.press(key) == status
    assert "Traceback" not in visitor.screen
    left_nothing(visitor)


@pytest.mark.slow
def test_dev_writes_a_shells_environment_restarts_what_dies_and_closes_on_a_signal(start: Start) -> None:
    visitor = start("dev")
    visitor.reads("Ctrl-C closes the shop")
    second = start("dev")
    assert second.wait() == 1
    assert "is using the data folder" in second.screen
    environment_file = visitor.home / ".restoreclick" / "environment.sh"
    assert environment_file.stat().st_mode & 0o077 == 0
    reconciled = subprocess.run(  # noqa: S603 -- a constant command
        [
            "/bin/sh",
            "-c",
            f'. "{environment_file}" && "{sys.executable}" -m entrypoints.cli reconcile --since 1h',
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert reconciled.stdout.endswith("Log and providers agree.\n"), reconciled.stderr
    (worker,) = (pid for pid, words in visitor.processes().items() if words.endswith("/restoreclick worker "))
    os.kill(worker, signal.SIGKILL)
    visitor.reads("The worker has ended unexpectedly (killed by SIGKILL)")
    visitor.reads("The worker is back")
    assert visitor.press(signal.SIGTERM) == 0
    assert visitor.screen.endswith("The shop is closed; nothing of it is running any more.\n")
    assert (visitor.home / ".restoreclick" / "logs" / "worker.log").is_file()
    left_nothing(visitor)
