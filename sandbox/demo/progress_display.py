"""Progress bars on a terminal, and lines of text everywhere else."""

import re
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Self

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from sandbox.demo.http_customer import Json
from sandbox.demo.wording import duration_text

#: Wide enough for a table in a log; a terminal has a width of its own.
PLAIN_WIDTH = 120

#: How far along each state is.
_WAY = {"uploaded": 1, "waiting": 2, "restoring": 3, "restored": 4}

#: How much of a mail is shown.
_LETTER_LINES = 12

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def screen() -> Console:
    """The console on stdout."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False, emoji=False)


def parts_announced(console: Console) -> Callable[[str], None]:
    """A function that prints when a part is ready."""
    began = time.monotonic()

    def announce(name: str) -> None:
        seconds = duration_text(timedelta(seconds=time.monotonic() - began))
        console.print(Text(f"  {name} after {seconds}"), soft_wrap=True)

    return announce


class ProgressDisplay:
    """Shows photos, events and mails as they come."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.progress = Progress(
            SpinnerColumn(finished_text="✓" if console.encoding.startswith("utf") else "ok"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self._last_event_at: datetime | None = None

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def say(self, sentence: str, style: str = "") -> None:
        """Print a line above the photos."""
        self._console.print(Text(sentence, style=style), soft_wrap=True)

    def photo(self, name: str) -> "PhotoLine":
        """A new line for a photo."""
        return PhotoLine(self, name)

    def event(self, name: str, recorded_at: datetime, about: str | None = None) -> None:
        """Print an event, its subject, and the time since the one before."""
        before, self._last_event_at = self._last_event_at, recorded_at
        since = recorded_at - before if before else timedelta()
        words = _WORDS.sub(" ", name).capitalize()
        gap = f"+{since.total_seconds():.3f} s" if before else ""
        what = f"{words}: {about}" if about else words
        self.say(f"{recorded_at:%H:%M:%S} {gap:>11}  {what}", "cyan")

    def mail(self, mail: Json, *, is_whole: bool = False) -> None:
        """Show a mail, or its beginning."""
        lines = mail["text"].strip().splitlines()
        shown = lines if is_whole or len(lines) <= _LETTER_LINES else [*lines[:_LETTER_LINES], "..."]
        attachments = [attachment["filename"] for attachment in mail["attachments"]]
        if attachments:
            shown = [*shown, "", f"Attached: {', '.join(attachments)}"]
        title = Text(f"To {mail['to'][0]['email']}: {mail['subject']}")
        self._console.print(Panel(Text("\n".join(shown)), title=title, title_align="left", width=100))


class PhotoLine:
    """How far one photo has come."""

    def __init__(self, board: ProgressDisplay, name: str) -> None:
        self.name = name
        self._board = board
        self._state = "waits to be sent"
        self._task = board.progress.add_task(name, total=len(_WAY), state=self._state)

    def show(self, state: str) -> None:
        """Show a state; one that is not in `_WAY` is a failure."""
        if state == self._state:
            return
        self._state = state
        progress, step = self._board.progress, _WAY.get(state)
        if progress.disable:
            self._board.say(f"  {self.name}: {state}")
        progress.update(self._task, completed=step, state=state)
        if step is None:
            progress.stop_task(self._task)
