"""The command line as a shell runs it: arguments, status and output."""

import io
from typing import NamedTuple

import pytest

from entrypoints.cli import main


class Answer(NamedTuple):
    """How a command ended, and what it printed."""

    status: int | str | None
    out: str
    err: str


class Terminal(io.StringIO):
    """A terminal at which a person answers."""

    def isatty(self) -> bool:
        return True


class Shell:
    """Runs commands in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> Answer:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            main(words)
        return Answer(ending.value.code, *self._capsys.readouterr())
