"""Who gives a command, and why: what goes on record with everything a person does."""

import getpass
from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

from entrypoints.failures import MisuseError

F = TypeVar("F", bound=Callable[..., Any])


class NobodyError(MisuseError):
    """Neither the command nor the system says who gives it."""

    def __init__(self) -> None:
        super().__init__("Say who does this, for the record: --actor NAME.")


class UnsaidError(MisuseError):
    """The reason is empty."""

    def __init__(self) -> None:
        super().__init__("Say why this is done, for the record: --reason TEXT.")


def on_record(command: F) -> F:
    """Have a command take ``--actor`` and ``--reason``, as ``actor`` and ``reason``."""
    actor = click.option(
        "--actor", callback=_actor, metavar="NAME", help="Who does this; otherwise the system's user."
    )
    reason = click.option(
        "--reason", required=True, callback=_reason, metavar="TEXT", help="Why, in your words."
    )
    return actor(reason(command))


def _actor(_context: click.Context, _parameter: click.Parameter, given: str | None) -> str:
    name = given.strip() if given is not None else _user()
    if not name:
        raise NobodyError
    return f"person:{name}"


def _reason(_context: click.Context, _parameter: click.Parameter, given: str) -> str:
    if not given.strip():
        raise UnsaidError
    return given.strip()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""
