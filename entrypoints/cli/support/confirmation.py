"""Confirmation of irreversible actions by the user at the terminal."""

import sys

import click

from entrypoints.command_errors import CommandFailedError, MisuseError


class NoTerminalError(MisuseError):
    """A confirmation is required, and there is no terminal."""

    def __init__(self) -> None:
        super().__init__("There is no terminal to confirm this at: add --yes to confirm it.")


class NotConfirmedError(CommandFailedError):
    """The user did not confirm."""

    def __init__(self, undone: str) -> None:
        self.undone = undone
        super().__init__(undone)


def ask(*consequences: str, question: str, undone: str) -> None:
    """Print what would happen, and ask for confirmation.

    Raises NoTerminalError, or NotConfirmedError with ``undone``.
    """
    if not sys.stdin.isatty():
        raise NoTerminalError
    for line in consequences:
        click.echo(line, err=True)
    if not click.confirm(question, err=True):
        raise NotConfirmedError(undone)
