"""Confirmation of irreversible actions by the user at the terminal."""

import sys

import click

from entrypoints.command_errors import CommandFailedError, MisuseError


class NobodyToAskError(MisuseError):
    """A confirmation is required, and there is no terminal."""

    def __init__(self, deed: str) -> None:
        self.deed = deed
        super().__init__(
            f"Nobody is at a terminal to be asked whether {deed}: if that is decided, add --yes."
        )


class NobodyAgreedError(CommandFailedError):
    """The user did not confirm."""

    def __init__(self, undone: str) -> None:
        self.undone = undone
        super().__init__(undone)


def ask(*told: str, question: str, deed: str, undone: str) -> None:
    """Print and confirm, or raise NobodyToAskError or NobodyAgreedError with ``undone``."""
    if not sys.stdin.isatty():
        raise NobodyToAskError(deed)
    for line in told:
        click.echo(line, err=True)
    if not click.confirm(question, err=True):
        raise NobodyAgreedError(undone)
