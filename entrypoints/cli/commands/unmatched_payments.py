"""Payments that belong to no order: list and refund."""

from collections.abc import Sequence

import click
import msgspec
from rich.table import Table

from domain.unmatched_payment import UnmatchedPayment, UnmatchedStatus
from domain.use_cases.payments.unmatched_payments import UnmatchedPaymentService
from domain.use_cases.queries import Queries
from entrypoints.cli.support.confirmation import ask
from entrypoints.cli.support.console import screen


def show_unmatched(payments: Sequence[UnmatchedPayment], *, as_json: bool) -> None:
    """Print unsettled payments, as a table or as JSON."""
    if as_json:
        for payment in payments:
            click.echo(msgspec.json.encode(payment))
    elif payments:
        screen().print(_table(payments))
    else:
        click.echo("Every payment belongs to an order, or was refunded.")


def refund(
    queries: Queries,
    unmatched_payment_service: UnmatchedPaymentService,
    checkout_session_id: str,
    *,
    actor: str,
    reason: str,
    is_agreed: bool,
    as_json: bool,
) -> None:
    """Refund after confirmation; raises as ``ask`` and ``UnmatchedPaymentService.refund``."""
    payment = queries.unmatched_payment(checkout_session_id)
    # For a payment that cannot be refunded there is no question: the refund raises the reason.
    if payment is not None and payment.left.amount and not is_agreed:
        ask(
            f"{payment.left} of the checkout {checkout_session_id} is refunded to the customer.",
            question="Refund it?",
            undone="Nothing was refunded.",
        )
    after = unmatched_payment_service.refund(checkout_session_id, actor=actor, note=reason)
    click.echo(msgspec.json.encode(after) if as_json else result_text(after))


def result_text(payment: UnmatchedPayment) -> str:
    """The result of a refund, as a sentence."""
    if payment.status is UnmatchedStatus.REFUNDED:
        return f"{payment.paid} was refunded to the customer."
    if payment.status is UnmatchedStatus.REFUNDING:
        return f"{payment.left} is on its way to the customer: Stripe has yet to pay it."
    return f"{payment.left} was not refunded ({payment.problem}): the shop tries again tomorrow."


def _table(payments: Sequence[UnmatchedPayment]) -> Table:
    table = Table(
        "Since (UTC)", "Status", "Left", "Why it is here, and what went wrong", box=None, pad_edge=False
    )
    table.add_column("Checkout session", overflow="fold")
    for payment in payments:
        table.add_row(
            f"{payment.received_at:%Y-%m-%d %H:%M}",
            payment.status,
            str(payment.left),
            " ".join(filter(None, [payment.reason, payment.problem and f"({payment.problem})"])),
            payment.checkout_session_id,
        )
    return table
