"""A visitor at a terminal: starts `restoreclick`, reads what it prints, presses Ctrl-C, and looks what is left."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Self

from tests.waiting import eventually


class Visitor:
    """One command that runs, in a folder and with a temporary folder of its own."""

    def __init__(self, home: Path, *words: str | Path) -> None:
        self.home = home / "home"
        self.temporary = home / "temporary"
        for folder in (self.home, self.temporary):
            folder.mkdir(exist_ok=True, parents=True)
        self.printed: list[str] = []
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "entrypoints.cli", *map(str, words)],
            cwd=self.home,
            env={**os.environ, "TMPDIR": str(self.temporary), "STRIPE_SECRET_KEY": "sk_live_of_the_visitor"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
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
        """All that was printed so far."""
        return "".join(self.printed)

    def reads(self, words: str) -> None:
        """Wait until these words are printed."""
        eventually(lambda: words in self.screen or self._must_run(words), f"{words!r} on the screen")

    def wait(self) -> int:
        """The command's exit status, once it has ended."""
        status = self.process.wait(timeout=60)
        self._reader.join(timeout=10)
        return status

    def press(self, key: signal.Signals) -> int:
        """Send a signal to the command alone, as a terminal would, and wait for its end."""
        self.process.send_signal(key)
        return self.wait()

    def processes(self) -> dict[int, str]:
        """The command line of every process that knows of the visitor's folders, besides the command itself."""
        own = {str(os.getpid()), str(self.process.pid)}
        return {
            int(entry.name): _words(entry / "cmdline")
            for entry in Path("/proc").iterdir()
            if entry.name.isdecimal() and entry.name not in own and self._is_ours(entry)
        }

    def _is_ours(self, entry: Path) -> bool:
        return any(str(self.home.parent) in _words(entry / file) for file in ("cmdline", "environ"))

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            self.printed.extend(lines)

    def _must_run(self, words: str) -> bool:
        assert self.process.poll() is None, f"It ended before {words!r}:\n{self.screen}"
        return False


def _words(file: Path) -> str:
    """What the kernel tells of a process, if it still exists and is not somebody else's."""
    try:
        return file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


Start = Callable[..., Visitor]


def left_nothing(visitor: Visitor) -> None:
    """Require that no process and no temporary file of a command is left."""
    assert visitor.processes() == {}
    assert list(visitor.temporary.iterdir()) == []
