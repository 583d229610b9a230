"""Who gives a command, and why: what goes on record with everything a person does."""

import getpass
from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

from entrypoints.command_errors import MisuseError

F = TypeVar("F", bound=Callable[..., Any])


class NamelessActorError(MisuseError):
    """It would not be on record who did it."""

    def __init__(self) -> None:
        super().__init__("It has to be on record who does this: say it with --actor NAME.")


class NoReasonError(MisuseError):
    """It would not be on record why it was done."""

    def __init__(self) -> None:
        super().__init__("It has to be on record why this is done: say it with --reason TEXT.")


def on_record(reason_help: str) -> Callable[[F], F]:
    """Have a command take ``--actor`` and ``--reason``, as an actor for the record and words that are not empty."""

    def decorate(command: F) -> F:
        actor = click.option(
            "--actor",
            metavar="NAME",
            callback=lambda _context, _option, name: person(name),
            help="Who does it; without it, this machine's user.",
        )
        reason = click.option(
            "--reason",
            metavar="TEXT",
            required=True,
            callback=lambda _context, _option, words: _proposed(words),
            help=reason_help,
        )
        return actor(reason(command))

    return decorate


def person(name: str | None) -> str:
    """The actor for a person at the command line, by default this machine's user; raises NamelessActorError."""
    try:
        who = name if name is not None else getpass.getuser()
    except (KeyError, OSError) as error:  # a container need not know a name for its user
        raise NamelessActorError from error
    if not who.strip() or not who.isprintable():
        raise NamelessActorError
    return f"person:{who.strip()}"


def _proposed(words: str) -> str:
    if not words.strip():
        raise NoReasonError
    return words.strip()
