"""What cannot be taken back is asked about first: of whoever is at the terminal, and of nobody else."""

import sys

import click

from entrypoints.command_errors import CommandFailedError, MisuseError


class NobodyToAskError(MisuseError):
    """Something has to be agreed to, and there is no terminal."""

    def __init__(self, deed: str) -> None:
        self.deed = deed
        super().__init__(
            f"Nobody is at a terminal to be asked whether {deed}: if that is decided, add --yes."
        )


class NobodyAgreedError(CommandFailedError):
    """Somebody was asked and said no."""

    def __init__(self, undone: str) -> None:
        self.undone = undone
        super().__init__(undone)


def ask(*told: str, question: str, deed: str, undone: str) -> None:
    """Tell what would happen and ask; raises NobodyToAskError, or NobodyAgreedError with ``undone``."""
    if not sys.stdin.isatty():
        raise NobodyToAskError(deed)
    for line in told:
        click.echo(line, err=True)
    if not click.confirm(question, err=True):
        raise NobodyAgreedError(undone)
