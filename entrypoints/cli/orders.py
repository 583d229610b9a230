"""Orders as people look at them: the list, one order's state, and its story."""

from collections.abc import Sequence
from dataclasses import replace

import click
import msgspec
from rich.table import Table
from rich.text import Text

from domain.model.noting import note_id_of
from domain.model.order import Order
from domain.model.reactions import needed
from domain.ports.books import Books
from domain.ports.registers import Note, OrderSummary
from domain.services.standing import in_words, number_of, possible, standing, way_of
from domain.services.story import tell, who
from domain.services.wording import MAILS, capitalised, day, sized
from entrypoints.cli.events import json_of
from entrypoints.cli.finding import find_order
from entrypoints.cli.screen import screen
from entrypoints.cli.telling import print_story


def show_list(books: Books, limit: int, *, as_json: bool) -> None:
    """Print the newest orders, as a table or as JSON."""
    with books.transaction() as transaction:
        orders = transaction.shelf.newest(limit)
    if as_json:
        for order in orders:
            click.echo(msgspec.json.encode(order))
    elif orders:
        screen().print(_table(orders))
    else:
        click.echo("There is no order yet.")


def show(books: Books, wanted: str) -> None:
    """Print where an order stands; raises UnknownOrderError or AmbiguousOrderError."""
    with books.transaction() as transaction:
        order = transaction.log.load(find_order(transaction, wanted))
        notes = transaction.notes.of(order.order_id)
    console = screen()
    console.print(Text(f"Order {order.payment.order_number if order.payment else ''}", style="bold"), end="")
    console.print(f"  {order.order_id}")
    console.print(standing(order), soft_wrap=True)
    for heading, lines in _chapters(order, notes):
        console.print(f"\n[bold]{heading}[/bold]")
        for line in lines or ["none"]:
            console.print(f"  {line}", markup=False, soft_wrap=True)


def show_history(books: Books, wanted: str, *, as_json: bool) -> None:
    """Print an order's story, or its events as JSON; raises UnknownOrderError or AmbiguousOrderError."""
    with books.transaction() as transaction:
        order_id = find_order(transaction, wanted)
        history = transaction.log.history(order_id)
        notes = transaction.notes.of(order_id)
    if as_json:
        words = {note.note_id: note.text for note in notes}
        for recorded in history:
            note_id = note_id_of(recorded.event)
            click.echo(json_of(recorded, note=words.get(note_id) if note_id else None))
    else:
        print_story(screen(), tell(history), notes)


def _table(orders: list[OrderSummary]) -> Table:
    table = Table("Number", "State", "Restored", "Paid", "Paid at (UTC)", box=None, pad_edge=False)
    table.add_column("Id", overflow="fold")
    for order in orders:
        table.add_row(
            order.number,
            f"{order.state}, on hold" if order.is_held else order.state,
            f"{order.restored} of {order.images}",
            str(order.paid),
            f"{order.paid_at:%Y-%m-%d %H:%M:%S}",
            str(order.order_id),
        )
    return table


def _chapters(order: Order, notes: Sequence[Note]) -> list[tuple[str, list[str]]]:
    refunds = [
        f"{number}  {refund.amount}, {refund.reason.replace('_', ' ')}: {refund.status}"
        for number, refund in enumerate(order.refunds.values(), start=1)
    ]
    written = [
        f"{day(note.written_at)}, {note.written_at:%H:%M} (UTC), {who(note.actor)}: {note.text}"
        for note in notes
    ]
    return [
        ("Money", _money(order)),
        *([("Refunds", refunds)] if refunds else []),
        (
            "Photos",
            [f"{number_of(order, i.image_id)}  {i.share}  {way_of(i, order)}" for i in order.images.values()],
        ),
        ("E-mails", [f"{capitalised(MAILS[mail.kind])}: {mail.status}" for mail in order.emails.values()]),
        ("Links", _links(order)),
        *([("Notes", written)] if written else []),
        ("Still to do", [capitalised(in_words(work, order)) for work in needed(order)]),
        ("What can be done", [capitalised(way) for way in possible(order)]),
    ]


def _money(order: Order) -> list[str]:
    payment, ledger = order.payment, order.ledger
    if payment is None:
        return []
    back = replace(payment.paid, amount=ledger.issued)
    asks = "open; `restoreclick orders evidence` writes the pack for the bank"
    disputes = [f"Dispute {d.dispute_id}: {d.outcome or asks}" for d in order.disputes.values()]
    quoted = f"{payment.quoted} quoted, {payment.discount} discount, {payment.paid} paid, {back} paid back"
    moved = {
        "asked back": ledger.requested,
        "paid back": ledger.issued,
        "failed to go back": ledger.failed,
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


def _links(order: Order) -> list[str]:
    return [
        f"{sized(link.archive.size_bytes)}, good until {day(link.expires_at)}, "
        f"{'revoked, ' if link.is_revoked else ''}{'opened' if link.opened else 'not opened yet'}"
        for link in order.links.values()
    ]
