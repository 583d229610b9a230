"""Child processes: started in their own sessions, watched, and stopped in order.

Ctrl-C reaches the parent alone, which then stops its children one by one. If the parent is killed, the kernel kills
them (on Linux). A child's output is appended to its log.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Self

#: The kernel ties a child's life to the thread that forked it, so one long-lived thread forks them all.
_FORKER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forker")

#: Polling interval of conditions that cannot be waited for otherwise.
_POLL_SECONDS = 0.02

#: How many lines of a log an error quotes.
_TAIL_LINES = 12


class ProcessError(Exception):
    """A child process failed.

    Attributes:
        name: which process.
        reason: what is wrong, as the rest of a sentence.
        log: the file of its output.
        tail: the last lines since this start.
    """

    def __init__(self, name: str, reason: str, log: Path, tail: list[str]) -> None:
        self.name = name
        self.reason = reason
        self.log = log
        self.tail = tail
        super().__init__(name, reason, log, tail)

    def __str__(self) -> str:
        if not self.tail:
            return f"{self.name} {self.reason}, and has printed nothing into {self.log}."
        quoted = "\n".join(f"    {line}" for line in self.tail)
        return f"{self.name} {self.reason}; see {self.log}, which ends:\n{quoted}"


class Process:
    """A running child process; as a context manager it stops it."""

    def __init__(self, name: str, launch: "Callable[..., subprocess.Popen[bytes]]", log: Path) -> None:
        self.name = name
        self.log = log
        self._launch = launch
        self.start_again()

    @classmethod
    def start(
        cls,
        name: str,
        argv: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str = "",
        pass_fds: Sequence[int] = (),
    ) -> Self:
        """Start a program without waiting for it.

        Args:
            name: its name in errors.
            argv: the program's path and its arguments.
            log: the file its output is appended to; folders are created.
            env: its whole environment; by default a copy of ours.
            cwd: its working directory; by default ours.
            user: for root only: the user it runs as, see `sandbox.child_launcher`.
            pass_fds: open files it inherits, a listening socket for example.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        launch = [
            sys.executable,
            "-I",
            "-S",
            str(Path(__file__).with_name("child_launcher.py")),
            str(os.getpid()),
            user,
        ]
        popen: partial[subprocess.Popen[bytes]] = partial(
            subprocess.Popen,
            [*launch, *map(str, argv)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            pass_fds=pass_fds,
            start_new_session=True,
        )
        return cls(name, popen, log)

    def start_again(self) -> None:
        """Start the same program again after it ended, with the same log."""
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            self._popen = _FORKER.submit(self._launch, stdout=output).result()

    @property
    def pid(self) -> int:
        """Return the id of the process and of its group."""
        return self._popen.pid

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal, or None while running."""
        return self._popen.poll()

    def check(self) -> None:
        """Raise ProcessError if the process has ended."""
        status = self.poll()
        if status is not None:
            raise self._error(f"has ended unexpectedly ({_in_words(status)})")

    def wait(self, timeout_seconds: float) -> None:
        """Wait for a successful end; raise ProcessError on failure or time-out."""
        try:
            status = self._popen.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise self._error(f"has not finished within {timeout_seconds:g} s") from None
        if status != 0:
            raise self._error(f"has failed ({_in_words(status)})")

    def wait_until(self, fact: Callable[[], bool], timeout_seconds: float) -> None:
        """Poll until `fact` holds; raise ProcessError on its end or time-out."""
        deadline = time.monotonic() + timeout_seconds
        while not fact():
            self.check()
            if time.monotonic() > deadline:
                raise self._error(f"has not become ready within {timeout_seconds:g} s")
            time.sleep(_POLL_SECONDS)

    def wait_for_line(self, start: str, timeout_seconds: float) -> str:
        """Return the first printed line that begins with `start`; see `wait_until`."""
        found: list[str] = []

        def printed() -> bool:
            lines = self.output().splitlines(keepends=True)
            found.extend(line.rstrip() for line in lines if line.startswith(start) and line.endswith("\n"))
            return bool(found)

        self.wait_until(printed, timeout_seconds)
        return found[0]

    def output(self) -> str:
        """Return the output so far."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def stop(self, timeout_seconds: float = 10, by: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal; kill the process group when time is up."""
        try:
            if self.poll() is None:
                self._popen.send_signal(by)
                self._popen.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            pass  # killed below
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill the process and its group at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()

    def _error(self, reason: str) -> ProcessError:
        return ProcessError(self.name, reason, self.log, self.output().splitlines()[-_TAIL_LINES:])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Supervisor(ExitStack):
    """Processes that are stopped together, the last one started first.

    It is an exit stack, so folders and reservations of the processes are released with them, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[Process] = []

    def watch(
        self, process: Process, *, stop_by: signal.Signals = signal.SIGTERM, timeout_seconds: float = 10
    ) -> Process:
        """Register a process to check, and to stop at the end."""
        self.callback(self._end, process, stop_by, timeout_seconds)
        self.processes.append(process)
        return process

    def check(self) -> None:
        """Raise ProcessError, quoting its log, if a process has ended."""
        for process in list(self.processes):
            process.check()

    def _end(self, process: Process, stop_by: signal.Signals, timeout_seconds: float) -> None:
        self.processes.remove(process)
        process.stop(timeout_seconds, by=stop_by)


def _in_words(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"
