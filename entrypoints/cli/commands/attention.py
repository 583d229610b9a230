"""The list of items that need staff, each with commands that help.

The longest waiting come first.
"""

from collections.abc import Mapping, Sequence

import click
import msgspec
from rich.text import Text

from domain.order.values import HoldReason
from domain.use_cases.support.attention_items import AttentionItem, AttentionKind
from entrypoints.bootstrap.wording import attention_text_of, capitalised, counted, date_text
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
_BY_KIND: Mapping[AttentionKind, tuple[str, ...]] = {
    AttentionKind.REFUND_FAILED: (
        "orders release {order} {why}",
        "orders settle {order} --refund {subject} {why}",
    ),
    AttentionKind.MAIL_FAILED: ("orders address {order} EMAIL {why}", "orders resend {order} {why}"),
    AttentionKind.MAIL_BOUNCED: ("orders address {order} EMAIL {why}", "orders resend {order} {why}"),
    AttentionKind.MAIL_OPTED_OUT: ("orders note {order} {why}", "orders address {order} EMAIL {why}"),
    AttentionKind.WORK_GIVEN_UP: ("orders history {order}", "orders note {order} {why}"),
    AttentionKind.STREAM_BROKEN: ("events verify", "reconcile"),
    AttentionKind.WORK_UNREADABLE: ("orders history {order}",),
    AttentionKind.PAYMENT_UNMATCHED: (
        "payments refund {subject} {why}",
        "payments match {subject} UPLOAD_SESSION {why}",
    ),
    AttentionKind.DISPUTED: ("orders evidence {order}", "orders history {order}"),
    AttentionKind.INQUIRY: ("orders evidence {order}", "orders refund {order} {why}"),
    AttentionKind.WEBHOOK_CONFLICT: ("reconcile",),
}


def show_attention_items(attention_items: Sequence[AttentionItem], *, as_json: bool) -> None:
    """Print the items that need staff, as text or JSON."""
    if as_json:
        for attention_item in attention_items:
            click.echo(msgspec.json.encode(_document(attention_item)))
        return
    if not attention_items:
        click.echo("Nothing needs a person.")
        return
    console = screen()
    for attention_item in attention_items:
        console.print(Text(_heading(attention_item), style="bold"), soft_wrap=True)
        console.print(
            f"  {capitalised(attention_text_of(attention_item)).rstrip('.')}.", markup=False, soft_wrap=True
        )
        for command in commands_for(attention_item):
            console.print(f"  {command}", markup=False, soft_wrap=True)
    things = counted(len(attention_items), "thing")
    console.print(f"\n{things} {'needs' if len(attention_items) == 1 else 'need'} a person.")


def _document(attention_item: AttentionItem) -> Mapping[str, object]:
    return {
        "kind": attention_item.kind,
        "since": attention_item.since,
        "why": attention_text_of(attention_item),
        "subject": attention_item.subject,
        "order_id": attention_item.order_id,
        "number": attention_item.number,
        "hold": attention_item.hold,
        "work": attention_item.work,
        "is_healed_by_fix": attention_item.is_repairable,
        "commands": commands_for(attention_item),
    }


def commands_for(attention_item: AttentionItem) -> list[str]:
    """The commands that help with an item, the most likely first."""
    order = attention_item.number or str(attention_item.order_id)
    return [
        f"restoreclick {command.format(order=order, subject=attention_item.subject, why=_WHY)}"
        for command in _commands(attention_item)
    ]


def _commands(attention_item: AttentionItem) -> Sequence[str]:
    if attention_item.hold is not None:
        return [f"orders {command}" for command in _BY_HOLD[attention_item.hold]]
    if attention_item.is_repairable:
        return ("reconcile --fix",)
    return _BY_KIND.get(attention_item.kind, ("orders show {order}", "orders note {order} {why}"))


def _heading(attention_item: AttentionItem) -> str:
    about = f"Order {attention_item.number}" if attention_item.number else attention_item.subject
    since = f"{date_text(attention_item.since)}, {attention_item.since:%H:%M} (UTC)"
    return f"{about}: {attention_item.kind.replace('_', ' ')} since {since}"
