"""Whoever is interrupted, or dies, leaves nothing running: the demo ends, and `dev` brings back what died."""

import os
import signal
from pathlib import Path

import pytest

from tests.journeys.visitors import Start, left_nothing
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="what is left is looked for in /proc")


@pytest.mark.parametrize(
    ("words", "key", "status"),
    [
        ("Opening a shop", signal.SIGTERM, 143),
        ("Restoration started", signal.SIGINT, 130),
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


def test_dev_brings_back_what_dies_keeps_others_out_and_closes_on_a_signal(start: Start) -> None:
    visitor = start("dev")
    visitor.reads("Ctrl-C closes the shop")
    second = start("dev")
    assert second.wait() == 1
    assert "is using the data folder" in second.screen
    (worker,) = (
        pid for pid, words in visitor.processes().items() if words.endswith("entrypoints.cli worker ")
    )
    os.kill(worker, signal.SIGKILL)
    visitor.reads("The worker has ended unexpectedly (killed by SIGKILL)")
    visitor.reads("The worker is back")
    assert visitor.press(signal.SIGTERM) == 0
    assert visitor.screen.endswith("The shop is closed; nothing of it is running any more.\n")
    assert (visitor.home / ".restoreclick" / "logs" / "worker.log").is_file()
    left_nothing(visitor)
