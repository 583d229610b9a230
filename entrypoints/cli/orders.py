"""Orders as people look at them: the list, one order's state, and its story."""

import re
import textwrap
from datetime import timedelta
from uuid import UUID

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.model.order import Order
from domain.model.reactions import needed
from domain.model.values import Money, OrderId, OrderNumber
from domain.ports.books import Books, Transaction
from domain.ports.registers import OrderSummary
from domain.services.standing import in_words, number_of, possible, standing, way_of
from domain.services.story import Passage, Story, tell
from domain.services.wording import MAILS, capitalised, day, lasting, sized
from entrypoints.cli.events import json_of
from entrypoints.cli.screen import screen
from entrypoints.failures import CommandFailedError

#: Among how many orders, the newest first, the beginning of an id is looked for.
PREFIX_REACH = 10_000

#: A story's lines, and how much of them its times take; longer lines are hard to read.
STORY_WIDTH, MARGIN = 100, 24

_NUMBER = re.compile(r"\d{8}-\d{6,}")


class UnknownOrderError(CommandFailedError):
    """Nothing in the books goes by this id."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        super().__init__(f"There is no order {wanted}: `restoreclick orders list` shows those there are.")


class AmbiguousOrderError(CommandFailedError):
    """The beginning of an id fits several orders."""

    def __init__(self, wanted: str, matches: int) -> None:
        self.wanted = wanted
        self.matches = matches
        super().__init__(f"The ids of {matches} orders begin with {wanted}: give more of the one you mean.")


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
    console = screen()
    console.print(Text(f"Order {order.payment.order_number if order.payment else ''}", style="bold"), end="")
    console.print(f"  {order.order_id}")
    console.print(standing(order), soft_wrap=True)
    for heading, lines in _chapters(order):
        console.print(f"\n[bold]{heading}[/bold]")
        for line in lines or ["none"]:
            console.print(f"  {line}", markup=False, soft_wrap=True)


def show_history(books: Books, wanted: str, *, as_json: bool) -> None:
    """Print an order's story, or its events as JSON; raises UnknownOrderError or AmbiguousOrderError."""
    with books.transaction() as transaction:
        history = transaction.log.history(find_order(transaction, wanted))
    if as_json:
        for recorded in history:
            click.echo(json_of(recorded))
    else:
        print_story(screen(), tell(history))


def print_story(console: Console, story: Story) -> None:
    """Print a story: when, how long after the event before, what happened, and who did it."""
    console.print(Text(story.title, style="bold"))
    console.print("Where nobody is named, the shop did it by itself.", style="dim")
    today = None
    for passage in story.passages:
        at = passage.recorded.recorded_at
        if at.date() != today:
            today = at.date()
            console.print(Text(f"\n{at:%A}, {day(at)} (UTC)", style="italic"))
        print_passage(console, passage)
    console.print(f"\n{story.ending}", soft_wrap=True)


def print_passage(console: Console, passage: Passage) -> None:
    """Print one event of a story, beside when it was."""
    at = passage.recorded.recorded_at
    if passage.pause:
        print_beside(console, Text(" " * MARGIN), passage.pause)
    since = _since(passage.since_previous)
    print_beside(console, Text.assemble(f"{at:%H:%M:%S}", (f"{since:>14}  ", "cyan")), _signed(passage))


def print_beside(console: Console, margin: Text, sentence: str, style: str = "") -> None:
    """Print a sentence beside its time, its further lines under its first."""
    first, *others = textwrap.wrap(
        sentence, max(min(console.width, STORY_WIDTH) - MARGIN, 40), break_on_hyphens=False
    )
    console.print(margin + Text(first, style), soft_wrap=True)
    for line in others:
        console.print(Text(" " * MARGIN) + Text(line, style), soft_wrap=True)


def _since(span: timedelta | None) -> str:
    """How long after the event before: what is recorded in one step happens at one moment."""
    if span is None:
        return ""
    return f"+{lasting(span)}" if span else "at once"


def _signed(passage: Passage) -> str:
    """The sentence, and who did it unless that was the shop itself or the sentence says so."""
    actor = passage.recorded.actor
    if actor == "worker" or passage.who.lower() in passage.text.lower():
        return passage.text
    return f"{passage.text} ({'by' if actor.startswith('person:') else 'reported by'} {passage.who})"


def find_order(transaction: Transaction, wanted: str) -> OrderId:
    """The order by its number, its id or the beginning of that; raises UnknownOrderError or AmbiguousOrderError."""
    order_id = _by_number(transaction, wanted) if _NUMBER.fullmatch(wanted) else _by_id(transaction, wanted)
    if order_id is None or not transaction.log.history(order_id):
        raise UnknownOrderError(wanted)
    return order_id


def _by_number(transaction: Transaction, wanted: str) -> OrderId | None:
    return transaction.shelf.find(OrderNumber(wanted))


def _by_id(transaction: Transaction, wanted: str) -> OrderId | None:
    try:
        return OrderId(UUID(wanted))
    except ValueError:
        orders = transaction.shelf.newest(PREFIX_REACH)
    matches = [order.order_id for order in orders if str(order.order_id).startswith(wanted.lower())]
    if len(matches) > 1:
        raise AmbiguousOrderError(wanted, len(matches))
    return matches[0] if matches else None


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


def _chapters(order: Order) -> list[tuple[str, list[str]]]:
    refunds = [
        f"{refund.amount}, {refund.reason.replace('_', ' ')}: {refund.status}"
        for refund in order.refunds.values()
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
        ("Still to do", [capitalised(in_words(work, order)) for work in needed(order)]),
        ("What can be done", [capitalised(way) for way in possible(order)]),
    ]


def _money(order: Order) -> list[str]:
    payment = order.payment
    if payment is None:
        return []
    back = Money(amount=order.refunded_amount, currency=payment.paid.currency)
    asks = "open; `restoreclick orders evidence` writes the pack for the bank"
    disputes = [f"Dispute {d.dispute_id}: {d.outcome or asks}" for d in order.disputes.values()]
    quoted = f"{payment.quoted} quoted, {payment.discount} discount, {payment.paid} paid, {back} paid back"
    return [quoted, f"Stripe: {payment.payment_intent_id or 'nothing charged'}", *disputes]


def _links(order: Order) -> list[str]:
    return [
        f"{sized(link.archive.size_bytes)}, good until {day(link.expires_at)}, "
        f"{'opened' if link.opened else 'not opened yet'}"
        for link in order.links.values()
    ]
