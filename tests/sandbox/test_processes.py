"""Child processes, with real ones."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.processes import Process, ProcessError, Supervisor
from tests.waiting import eventually

SLEEP_FOR_EVER = "import signal; print('sleeping', flush=True); signal.pause()"

IGNORE_SIGTERM = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP_FOR_EVER}"

HAVE_A_CHILD_OF_ITS_OWN = f"""
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]).pid, flush=True)
{SLEEP_FOR_EVER}
"""

START_A_CHILD_AND_SLEEP = f"""
import signal, sys
from pathlib import Path
from sandbox.processes import Process
child = Process.start("child", [sys.executable, "-c", {SLEEP_FOR_EVER!r}], log=Path(sys.argv[1]))
child.wait_for_line("sleeping", 10)
print(child.pid, flush=True)
signal.pause()
"""


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as supervisor:
        yield supervisor


def start(code: str, log: Path) -> Process:
    return Process.start("the sleeper", [sys.executable, "-c", code], log=log)


def lives(pid: int) -> bool:
    """Whether a process runs; zombies do not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def test_a_child_does_not_receive_ctrl_c(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.watch(start(SLEEP_FOR_EVER, tmp_path / "log"))
    assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid


def test_a_child_survives_the_thread_that_started_it(supervisor: Supervisor, tmp_path: Path) -> None:
    starter = threading.Thread(target=lambda: supervisor.watch(start(SLEEP_FOR_EVER, tmp_path / "log")))
    starter.start()
    starter.join()
    [child] = supervisor.processes
    child.wait_for_line("sleeping", timeout_seconds=10)
    supervisor.check()


def test_a_child_that_was_killed_is_started_again_and_still_watched(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    child = supervisor.watch(start(SLEEP_FOR_EVER, tmp_path / "log"))
    child.wait_for_line("sleeping", timeout_seconds=10)
    before = child.pid
    child.kill()
    child.start_again()
    child.wait_for_line("sleeping", timeout_seconds=10)
    supervisor.check()
    assert child.pid != before
    assert (tmp_path / "log").read_text() == "sleeping\n" * 2
    assert child.output() == "sleeping\n"


def test_a_child_dies_with_a_parent_that_is_killed_outright(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", START_A_CHILD_AND_SLEEP, str(tmp_path / "log")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as parent:  # noqa: S603
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert lives(child)
        parent.kill()
    eventually(lambda: not lives(child))


def test_a_child_that_ignores_sigterm_is_killed_after_its_time_out(tmp_path: Path) -> None:
    child = start(IGNORE_SIGTERM, tmp_path / "log")
    child.wait_for_line("sleeping", timeout_seconds=10)
    child.stop(timeout_seconds=0.1)
    assert child.poll() == -signal.SIGKILL


def test_processes_of_a_child_do_not_outlive_it(tmp_path: Path) -> None:
    child = start(HAVE_A_CHILD_OF_ITS_OWN, tmp_path / "log")
    child.wait_for_line("sleeping", timeout_seconds=10)
    grandchild = int(child.output().split()[0])
    assert lives(grandchild)
    child.stop()
    eventually(lambda: not lives(grandchild))


def test_a_dead_child_is_reported_with_its_last_output(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("what an earlier start has printed\n")
    supervisor.watch(start("raise SystemExit('The river has risen.')", log))
    with pytest.raises(ProcessError) as caught:
        supervisor.processes[0].wait_until(lambda: False, timeout_seconds=10)
    assert str(caught.value) == (
        f"the sleeper has ended unexpectedly (exit status 1); see {log}, which ends:\n    The river has risen."
    )
    with pytest.raises(ProcessError, match="the sleeper has ended"):
        supervisor.check()


def test_waiting_for_a_child_times_out(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.watch(start(SLEEP_FOR_EVER, tmp_path / "log"))
    with pytest.raises(ProcessError, match=r"not become ready within 0\.1 s"):
        child.wait_for_line("awake", timeout_seconds=0.1)


def test_the_last_process_started_ends_first(tmp_path: Path) -> None:
    say_when_asked = (
        "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(print(NAME)));" + SLEEP_FOR_EVER
    )
    with Supervisor() as supervisor:
        for name in ("first", "last"):
            code = say_when_asked.replace("NAME", repr(name))
            child = supervisor.watch(start(code, tmp_path / "log"))
            child.wait_for_line("sleeping", timeout_seconds=10)
    assert (tmp_path / "log").read_text().split() == ["sleeping", "sleeping", "last", "first"]
