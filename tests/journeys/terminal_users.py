"""A terminal user: starts `restoreclick`, reads output, presses Ctrl-C, checks leftovers."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Self

from tests.waiting import eventually


class Visitor:
    """One running command, with its own home and temporary folder.

    With ``at_terminal`` it reads from and prints to a terminal instead of a pipe.
    """

    def __init__(self, home: Path, *words: str | Path, at_terminal: bool = False) -> None:
        self.home = home / "home"
        self.temporary = home / "temporary"
        for folder in (self.home, self.temporary):
            folder.mkdir(exist_ok=True, parents=True)
        self.printed: list[str] = []
        self._terminal: int | None = None
        theirs: int | None = None
        if at_terminal:
            self._terminal, theirs = pty.openpty()
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "entrypoints.cli", *map(str, words)],
            cwd=self.home,
            env={**os.environ, "TMPDIR": str(self.temporary), "STRIPE_SECRET_KEY": "sk_live_of_the_visitor"},
            stdin=theirs,
            stdout=subprocess.PIPE if theirs is None else theirs,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if theirs is not None:
            os.close(theirs)
        self._reader = Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()

    @property
    def screen(self) -> str:
        """All output so far."""
        return "".join(self.printed)

    def reads(self, words: str) -> None:
        """Wait until this text is printed."""
        eventually(lambda: words in self.screen or self._must_run(words), f"{words!r} on the screen")

    def wait(self) -> int:
        """Wait for the end of the command; return its exit status."""
        status = self.process.wait(timeout=100)
        self._reader.join(timeout=10)
        return status

    def type(self, text: str) -> None:
        """Type at the terminal."""
        assert self._terminal is not None
        os.write(self._terminal, text.encode())

    def press(self, key: signal.Signals) -> int:
        """Send a signal to the command alone, and wait for its end."""
        self.process.send_signal(key)
        return self.wait()

    def processes(self) -> dict[int, str]:
        """The command lines of processes that use the visitor's folders.

        The command itself is left out.
        """
        own = {str(os.getpid()), str(self.process.pid)}
        return {
            int(entry.name): _words(entry / "cmdline")
            for entry in Path("/proc").iterdir()
            if entry.name.isdecimal() and entry.name not in own and self._is_ours(entry)
        }

    def _is_ours(self, entry: Path) -> bool:
        return any(str(self.home.parent) in _words(entry / file) for file in ("cmdline", "environ"))

    def _read(self) -> None:
        lines = self.process.stdout if self._terminal is None else os.fdopen(self._terminal, errors="replace")
        assert lines is not None
        # A terminal that its last process has left is an input/output error to Linux.
        with lines, suppress(OSError):
            self.printed.extend(lines)

    def _must_run(self, words: str) -> bool:
        assert self.process.poll() is None, f"It ended before {words!r}:\n{self.screen}"
        return False


def _words(file: Path) -> str:
    """Read a process's file in /proc, empty if gone or not ours."""
    try:
        return file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


Start = Callable[..., Visitor]


def left_nothing(visitor: Visitor) -> None:
    """Assert that a command left no process and no temporary file."""
    assert visitor.processes() == {}
    assert list(visitor.temporary.iterdir()) == []
