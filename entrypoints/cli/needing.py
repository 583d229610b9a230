"""What needs a person, on a screen: the longest waiting first, each with the next command to type."""

import click
import msgspec
from rich.text import Text

from domain.model.values import HoldReason
from domain.ports.books import Books
from domain.services.attention import Attention, Concern, Kind
from domain.services.wording import capitalised, counted, day
from entrypoints.cli.screen import screen

_WHY = "--reason TEXT"
_BY_HOLD = {
    HoldReason.AMOUNT_MISMATCH: ("show {order}", "release {order} {why}", "refund {order} {why}"),
    HoldReason.IMAGES_UNAVAILABLE: ("release {order} {why}", "refund {order} {why}"),
    HoldReason.STORAGE_UNAVAILABLE: ("release {order} {why}",),
    HoldReason.DOWNLOAD_NOT_PREPARED: ("release {order} {why}",),
    HoldReason.EMAIL_NOT_SENT: ("address {order} EMAIL {why}", "release {order} {why}"),
    HoldReason.EMAIL_BOUNCED: ("address {order} EMAIL {why}", "release {order} {why}"),
    HoldReason.REFUND_NOT_ISSUED: ("release {order} {why}",),
    HoldReason.OVERPAID: ("show {order}", "release {order} {why}"),
    HoldReason.OTHER_CURRENCY: ("show {order}", "release {order} {why}"),
    HoldReason.REQUESTED: ("release {order} {why}",),
}


def show_needed(books: Books, *, as_json: bool) -> None:
    """Print what needs a person, for people or as JSON."""
    concerns = Attention(books=books).needed()
    if as_json:
        for concern in concerns:
            document = {**msgspec.to_builtins(concern), "commands": commands_for(concern)}
            click.echo(msgspec.json.encode(document))
        return
    if not concerns:
        click.echo("Nothing needs a person.")
        return
    console = screen()
    for concern in concerns:
        console.print(Text(_heading(concern), style="bold"), soft_wrap=True)
        console.print(f"  {capitalised(concern.why).rstrip('.')}.", markup=False, soft_wrap=True)
        for command in commands_for(concern):
            console.print(f"  {command}", markup=False, soft_wrap=True)
    things = counted(len(concerns), "thing")
    console.print(f"\n{things} {'needs' if len(concerns) == 1 else 'need'} a person.")


def commands_for(concern: Concern) -> list[str]:
    """What to type next, the most likely first."""
    order = concern.number or str(concern.order_id)
    return [f"restoreclick {command.format(order=order, why=_WHY)}" for command in _commands(concern)]


def _commands(concern: Concern) -> list[str]:
    match concern.kind:
        case Kind.ON_HOLD if concern.hold is not None:
            return [f"orders {command}" for command in _BY_HOLD[concern.hold]]
        case Kind.REFUND_FAILED:
            settle = f"orders settle {{order}} --refund {concern.subject} {{why}}"
            return ["orders release {order} {why}", settle]
        case Kind.MAIL_FAILED | Kind.MAIL_BOUNCED:
            return ["orders address {order} EMAIL {why}", "orders resend {order} {why}"]
        case Kind.MAIL_OPTED_OUT:
            return ["orders note {order} {why}", "orders address {order} EMAIL {why}"]
        case Kind.WORK_GIVEN_UP:
            return ["orders history {order}", "orders note {order} {why}"]
        case Kind.PAYMENT_UNMATCHED:
            match_it = f"payments match {concern.subject} UPLOAD_SESSION {{why}}"
            return [f"payments refund {concern.subject} {{why}}", match_it]
        case Kind.DISPUTED:
            return ["orders evidence {order}", "orders history {order}"]
        case Kind.INQUIRY:
            return ["orders evidence {order}", "orders refund {order} {why}"]
        case Kind.WEBHOOK_CONFLICT:
            return ["reconcile"]
        case _:
            return ["orders show {order}", "orders note {order} {why}"]


def _heading(concern: Concern) -> str:
    about = f"Order {concern.number}" if concern.number else concern.subject
    since = f"{day(concern.since)}, {concern.since:%H:%M} (UTC)"
    return f"{about}: {concern.kind.replace('_', ' ')} since {since}"
