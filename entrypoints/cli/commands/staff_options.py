"""The staff commands on orders; each records actor and reason."""
# ruff: noqa: PLC0415 -- as for all commands, what they need is imported when they run

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import rich_click as click

from entrypoints.cli.commands.shared_options import json_option
from entrypoints.cli.support.actor_options import on_record
from entrypoints.command_errors import MisuseError
from entrypoints.exit_codes import ExitCode

if TYPE_CHECKING:
    from entrypoints.cli.commands.staff_actions import StaffSession

_YES = click.option("--yes", "is_agreed", is_flag=True, help="Do not ask.")


class NoPhotoError(MisuseError):
    """No photo is given."""

    def __init__(self) -> None:
        super().__init__("Say which photos with --photo N: `restoreclick orders show` numbers them.")


def _some_photos(
    _context: click.Context, _option: click.Parameter, photos: tuple[int, ...]
) -> tuple[int, ...]:
    if not photos:
        raise NoPhotoError
    return photos


_photo_option = partial(
    click.option,
    "--photo",
    "photos",
    type=click.IntRange(min=1),
    multiple=True,
    metavar="N",
    help="A photo by its number in `orders show`; may be given again.",
)


def _on_order(command: Callable[..., None]) -> Callable[..., None]:
    """Run a command in a staff session on ORDER; add its options."""

    @wraps(command)
    def run(order: str, actor: str, reason: str, key: str | None, **options: Any) -> None:
        from entrypoints.cli.commands.staff_actions import staff_session

        with staff_session(order, actor, reason, key) as session:
            command(session, **options)

    named = click.argument("order", metavar="ORDER")
    key = click.option(
        "--key",
        metavar="TEXT",
        help="The same command with the same key is done once, however often it is given.",
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="What came of it as JSON, for programs.")
    return named(on_record("Why, in your words; they are kept with the order.")(key(as_json(run))))


@click.command("attention")
@json_option
def attention(*, as_json: bool) -> None:
    """What needs a person: since when, why, and the command that helps."""
    from entrypoints.bootstrap.queries import open_queries
    from entrypoints.cli.commands.attention import show_attention_items

    with open_queries() as queries:
        show_attention_items(queries.attention_items(), as_json=as_json)


@click.command("hold")
@_on_order
def hold(session: StaffSession, *, as_json: bool) -> None:
    """Begin no work for ORDER until it is released."""
    session.show(session.staff_actions.hold(session.order_id, session.by), as_json=as_json)


@click.command("release")
@click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(min=0, max=3600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to watch whether the order is put on hold again.",
)
@_on_order
def release(session: StaffSession, wait_seconds: float, *, as_json: bool) -> None:
    """Let ORDER go on from where it was; what was given up is tried afresh.

    Watches what comes of it and ends with 1 if the order is put on hold again.
    """
    if not session.release(wait_seconds=wait_seconds, as_json=as_json):
        sys.exit(ExitCode.FAILED)


@click.command("note")
@_on_order
def note(session: StaffSession, *, as_json: bool) -> None:
    """Write --reason down as a note about ORDER, and do nothing else."""
    session.show(session.staff_actions.note(session.order_id, session.by), as_json=as_json)


@click.command("refund")
@click.option("--amount", metavar="AMOUNT", help="How much, in the order's currency: 4.90")
@_photo_option()
@_YES
@_on_order
def refund(
    session: StaffSession, amount: str | None, photos: tuple[int, ...], *, is_agreed: bool, as_json: bool
) -> None:
    """Pay back an amount, what was paid for some photos, or without either all that is left of ORDER's payment.

    A photo that is paid back is taken out of the work. All that was paid stops the order.
    """
    session.refund(amount, photos, is_agreed=is_agreed, as_json=as_json)


@click.command("settle")
@click.option(
    "--refund",
    "number",
    type=click.IntRange(min=1),
    metavar="N",
    help="Which one, by its number in `orders show`, if several have failed.",
)
@_YES
@_on_order
def settle(session: StaffSession, number: int | None, *, is_agreed: bool, as_json: bool) -> None:
    """Put on record that a refund of ORDER which Stripe refuses was paid another way, by bank transfer say."""
    session.settle(number, is_agreed=is_agreed, as_json=as_json)


@click.command("redo")
@_photo_option(callback=_some_photos)
@_on_order
def redo(session: StaffSession, photos: tuple[int, ...], *, as_json: bool) -> None:
    """Have photos of ORDER that are delivered restored once more; the results they had are kept."""
    session.show(session.staff_actions.redo(session.order_id, session.by, photos=photos), as_json=as_json)


@click.command("link")
@click.option("--revoke", "revokes_others", is_flag=True, help="The links before lead nowhere from now on.")
@click.option(
    "--only-revoke", is_flag=True, help="Send none: the links before the newest one lead nowhere from now on."
)
@_YES
@_on_order
def link(
    session: StaffSession, *, revokes_others: bool, only_revoke: bool, is_agreed: bool, as_json: bool
) -> None:
    """Mail the customer of ORDER a new download link."""
    session.link(revokes=revokes_others, only_revoke=only_revoke, is_agreed=is_agreed, as_json=as_json)


@click.command("resend")
@_on_order
def resend(session: StaffSession, *, as_json: bool) -> None:
    """Send the customer the e-mail with the status of ORDER again."""
    session.show(session.staff_actions.resend(session.order_id, session.by), as_json=as_json)


@click.command("address")
@_on_order
@click.argument("email", metavar="EMAIL")
def address(session: StaffSession, email: str, *, as_json: bool) -> None:
    """Correct the e-mail address of ORDER's customer, for all their orders."""
    session.address(email, as_json=as_json)


STAFF_COMMANDS = (attention, hold, release, note, refund, settle, redo, link, resend, address)
