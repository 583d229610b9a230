"""What needs a person, on a screen: the longest waiting first, each with the next command to type."""

from collections.abc import Mapping, Sequence

import click
import msgspec
from rich.text import Text

from domain.order.values import HoldReason
from domain.ports.unit_of_work import Books
from domain.use_cases.support.attention_list import Attention, Concern, Kind
from domain.use_cases.wording.labels import capitalised, counted, day
from entrypoints.cli.support.console import screen

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
_BY_KIND: Mapping[Kind, tuple[str, ...]] = {
    Kind.REFUND_FAILED: ("orders release {order} {why}", "orders settle {order} --refund {subject} {why}"),
    Kind.MAIL_FAILED: ("orders address {order} EMAIL {why}", "orders resend {order} {why}"),
    Kind.MAIL_BOUNCED: ("orders address {order} EMAIL {why}", "orders resend {order} {why}"),
    Kind.MAIL_OPTED_OUT: ("orders note {order} {why}", "orders address {order} EMAIL {why}"),
    Kind.WORK_GIVEN_UP: ("orders history {order}", "orders note {order} {why}"),
    Kind.WORK_UNREADABLE: ("orders history {order}",),
    Kind.PAYMENT_UNMATCHED: (
        "payments refund {subject} {why}",
        "payments match {subject} UPLOAD_SESSION {why}",
    ),
    Kind.DISPUTED: ("orders evidence {order}", "orders history {order}"),
    Kind.INQUIRY: ("orders evidence {order}", "orders refund {order} {why}"),
    Kind.WEBHOOK_CONFLICT: ("reconcile",),
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
    return [
        f"restoreclick {command.format(order=order, subject=concern.subject, why=_WHY)}"
        for command in _commands(concern)
    ]


def _commands(concern: Concern) -> Sequence[str]:
    if concern.hold is not None:
        return [f"orders {command}" for command in _BY_HOLD[concern.hold]]
    if concern.is_healed_by_fix:
        return ("reconcile --fix",)
    return _BY_KIND.get(concern.kind, ("orders show {order}", "orders note {order} {why}"))


def _heading(concern: Concern) -> str:
    about = f"Order {concern.number}" if concern.number else concern.subject
    since = f"{day(concern.since)}, {concern.since:%H:%M} (UTC)"
    return f"{about}: {concern.kind.replace('_', ' ')} since {since}"
