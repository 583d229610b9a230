"""Views of one order: its state, and its timeline."""

from dataclasses import replace

import click
import msgspec
from rich.text import Text

from domain.order.download_link import DownloadLink
from domain.order.events import RecordedEvent
from domain.order.note_references import note_id_of
from domain.order.order import Order
from domain.order.reactions import required_reactions
from domain.ports.customers import Customer
from domain.use_cases.queries import OrderDetails, Queries
from entrypoints.bootstrap.wording import (
    MAILS,
    action_texts,
    actor_name,
    capitalised,
    counted,
    date_text,
    image_status_of,
    number_of,
    reaction_text,
    size_text,
    status_of,
    timeline_text_of,
)
from entrypoints.cli.commands.events import line_of
from entrypoints.cli.support.console import screen
from entrypoints.cli.support.order_document import document_of
from entrypoints.cli.support.order_lookup import find_order
from entrypoints.cli.support.timeline_printing import print_timeline


def show(queries: Queries, wanted: str, *, as_json: bool = False) -> None:
    """Print an order's state as text or JSON; raises as ``find_order``."""
    found = queries.details(find_order(queries, wanted))
    if as_json:
        click.echo(msgspec.json.encode(document_of(found)))
    else:
        _print(found)


def _print(found: OrderDetails) -> None:
    order = found.order
    console = screen()
    console.print(Text(f"Order {order.payment.order_number if order.payment else ''}", style="bold"), end="")
    console.print(f"  {order.order_id}")
    console.print(status_of(order), soft_wrap=True)
    for heading, lines in _chapters(found):
        console.print(f"\n[bold]{heading}[/bold]")
        for line in lines or ["none"]:
            console.print(f"  {line}", markup=False, soft_wrap=True)


def show_history(queries: Queries, wanted: str, *, as_json: bool) -> None:
    """Print an order's timeline or JSON events; raises as ``find_order``.

    With an event that cannot be read there is no timeline, but one line an event.
    """
    order_id = find_order(queries, wanted)
    stream, notes = queries.stream(order_id), queries.notes(order_id)
    history = [read for read in stream if isinstance(read, RecordedEvent)]
    if not as_json and len(history) == len(stream):
        print_timeline(screen(), timeline_text_of(history), notes)
        return
    words = {note.note_id: note.text for note in notes}
    for read in stream:
        note_id = note_id_of(read.event) if isinstance(read, RecordedEvent) else None
        click.echo(line_of(read, as_json=as_json, note=words.get(note_id) if note_id else None))


def _chapters(found: OrderDetails) -> list[tuple[str, list[str]]]:
    order = found.order
    refunds = [
        f"{number}  {refund.amount}, {refund.reason.replace('_', ' ')}: {refund.status}"
        for number, refund in enumerate(order.refunds.values(), start=1)
    ]
    written = [
        f"{date_text(note.written_at)}, {note.written_at:%H:%M} (UTC), {actor_name(note.actor)}: {note.text}"
        for note in found.notes
    ]
    return [
        ("Customer", [_customer(found.customer)]),
        ("Money", _money(order)),
        *([("Refunds", refunds)] if refunds else []),
        (
            "Photos",
            [
                f"{number_of(order, image.image_id)}  {image.share}  {found.name_of(image)}: "
                f"{image_status_of(image, order)}"
                for image in order.images.values()
            ],
        ),
        ("E-mails", [f"{capitalised(MAILS[mail.kind])}: {mail.status}" for mail in order.emails.values()]),
        ("Links", _links(order)),
        *([("Notes", written)] if written else []),
        ("Still to do", [capitalised(reaction_text(work, order)) for work in required_reactions(order)]),
        ("What can be done", [capitalised(way) for way in action_texts(order)]),
    ]


def _customer(customer: Customer | None) -> str:
    if customer is None:
        return "erased"
    shown = f"{customer.name} <{customer.email}>" if customer.name else customer.email
    return f"{shown}, phone {customer.phone}" if customer.phone else shown


def _money(order: Order) -> list[str]:
    payment, ledger = order.payment, order.ledger
    if payment is None:
        return []
    back = replace(payment.paid, amount=ledger.issued)
    asks = "open; `restoreclick orders evidence` writes the pack for the bank"
    disputes = [
        f"{'Inquiry' if d.is_inquiry else 'Dispute'} {d.dispute_id}: {(d.outcome or asks).replace('_', ' ')}"
        for d in order.disputes.values()
    ]
    tax = f"{payment.tax} tax, " if payment.tax is not None else ""
    quoted = (
        f"{payment.quoted} quoted, {payment.discount} discount, {tax}{payment.paid} paid, {back} paid back"
    )
    moved = {
        "asked back": ledger.requested,
        "on its way back": ledger.pending,
        "paid back": ledger.issued,
        "failed to be refunded": ledger.failed,
        "disputed": ledger.disputed,
        "lost to a bank": ledger.lost,
    }
    lines = [f"{replace(payment.paid, amount=amount)} {what}" for what, amount in moved.items() if amount]
    left = f"{replace(payment.paid, amount=ledger.refundable)} can still be paid back"
    return [
        quoted,
        f"Ledger: {', '.join([f'{payment.paid} paid', *lines, left])}",
        f"Stripe: {payment.payment_intent_id or 'nothing charged'}",
        *disputes,
    ]


def _use_of(link: DownloadLink) -> str:
    """How many files were fetched, or only served.

    Files served without being fetched may have gone to a mail scanner.
    """
    if link.fetched:
        return f"{counted(len(link.fetched), 'file')} fetched by the customer"
    return f"nothing fetched, {counted(len(link.served), 'file')} served" if link.served else "not opened yet"


def _links(order: Order) -> list[str]:
    return [
        f"{size_text(link.archive.size_bytes)}, good until {date_text(link.expires_at)}, "
        f"{'for others, ' if link.is_shared else ''}{'revoked, ' if link.is_revoked else ''}{_use_of(link)}"
        for link in order.all_links.values()
    ]
