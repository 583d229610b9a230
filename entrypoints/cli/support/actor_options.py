"""The options for actor and reason, recorded with each staff action."""

import getpass
import os
import pwd
from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

from entrypoints.command_errors import MisuseError

F = TypeVar("F", bound=Callable[..., Any])


class NamelessActorError(MisuseError):
    """No actor is known to record."""

    def __init__(self) -> None:
        super().__init__("It has to be on record who does this: say it with --actor NAME.")


class NoReasonError(MisuseError):
    """No reason is given to record."""

    def __init__(self) -> None:
        super().__init__("It has to be on record why this is done: say it with --reason TEXT.")


def on_record(reason_help: str) -> Callable[[F], F]:
    """A decorator that adds ``--actor`` and ``--reason`` to a command.

    They reach the command as a recordable actor and a text that is not empty.
    """

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
            callback=lambda _context, _option, words: _reason(words),
            help=reason_help,
        )
        return actor(reason(command))

    return decorate


def person(name: str | None) -> str:
    """The actor for a person, by default this machine's user.

    Raises NamelessActorError, also for an account that no person logs in to, as in the shop's image.
    """
    try:
        who = name if name is not None else _login()
    except (KeyError, OSError) as error:  # a container may have no name for its user
        raise NamelessActorError from error
    if not who.strip() or not who.isprintable():
        raise NamelessActorError
    return f"person:{who.strip()}"


def _login() -> str:
    name = getpass.getuser()
    try:
        account = pwd.getpwuid(os.getuid())
    except KeyError:
        return name  # the environment has it
    is_service = account.pw_shell.endswith(("/nologin", "/false"))
    return "" if is_service and account.pw_name == name else name


def _reason(words: str) -> str:
    if not words.strip():
        raise NoReasonError
    return words.strip()
