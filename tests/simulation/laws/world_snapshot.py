"""A snapshot of everything that a simulated world holds."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.postgres.read_models import Rows
from domain.ports.payments import CheckoutStatus
from domain.ports.restorer import PredictionStatus
from domain.signed_tokens import sha256_of
from tests.doubles.email import token_in
from tests.doubles.payments import Payment
from tests.doubles.reaction_table import Work
from tests.laws.snapshot import (
    AcceptedMail,
    ProviderPayment,
    ProviderPrediction,
    ProviderRefund,
    Snapshot,
    UnmatchedRow,
    whole_stream,
)
from tests.simulation.privacy_and_payment_requests import corrected

if TYPE_CHECKING:
    from tests.simulation.world import World

#: How far two clocks of the shop may be apart.
CLOCK_TOLERANCE = timedelta(minutes=20)
#: What may be a token: a word as long as one.
_WORD = re.compile(r"[A-Za-z0-9_-]{20,}")


def world_snapshot(world: "World") -> Snapshot:
    """The log, all tables, the storage and the providers."""
    pages = world.own_unit_of_work.pages
    read_models: Rows = {}
    for tables in pages.rows.values():
        for table, rows in tables.items():
            read_models.setdefault(table, {}).update(rows)
    links = [link_id for order in pages.orders.values() for link_id in order.links]
    return Snapshot(
        photo_retention=world.policy.retention.photos,
        clock_tolerance=CLOCK_TOLERANCE,
        streams={order_id: whole_stream(order_id, stream) for order_id, stream in pages.streams.items()},
        loaded=pages.orders,
        read_models=read_models,
        reaction_outcomes={work.reaction_id: outcome_of(work) for work in pages.work.values()},
        payments=_payments(world),
        unmatched=unmatched_rows(world),
        predictions=_predictions(world),
        mails=_mails(world),
        objects={key: sha256_of(content) for key, content in world.storage.objects.items()},
        lost_objects=world.storage.spoiled,
        upload_sessions=frozenset(
            str(session_id) for session_id, row in pages.uploads.items() if not row.temp_objects_deleted_at
        ),
        customers={customer_id: customer.email for customer_id, customer in pages.customers.items()},
        erased_customers=[erasure.customer_id for erasure in pages.erasures.values()],
        requested=world.link_requests.requested,
        tokens=frozenset(map(world.token_signer.download_token, links)),
        stored_words=frozenset(_WORD.findall(repr((pages.streams, pages.rows, pages.notes)))),
    )


def outcome_of(work: Work) -> str | None:
    """How a reaction's row was closed; none while it is open."""
    return work.outcome.value if work.outcome is not None else None


def unmatched_rows(world: "World") -> list[UnmatchedRow]:
    """The payments that are stored without an order."""
    return [
        UnmatchedRow(
            payment_intent_id=one.payment_intent_id,
            checkout_session_id=one.checkout_session_id,
            amount=one.paid.amount,
            status=one.status,
            refund_id=str(one.refund_id),
            reason=one.reason,
        )
        for one in world.own_unit_of_work.pages.unmatched.values()
    ]


def unsettled_checkouts(world: "World") -> list[str]:
    """The paid checkouts that the shop does not know."""
    pages = world.own_unit_of_work.pages
    known = {one.payment.checkout_session_id for one in pages.orders.values() if one.payment}
    return [
        checkout
        for checkout, state in world.payments.states.items()
        if state.status is CheckoutStatus.PAID and checkout not in known and checkout not in pages.unmatched
    ]


def _payments(world: "World") -> list[ProviderPayment]:
    """One for each checkout that was paid."""
    paid = {
        checkout: state.checkout.payment_intent_id
        for checkout, state in world.payments.states.items()
        if state.status is CheckoutStatus.PAID
    }
    return [
        ProviderPayment(
            payment_intent_id=intent,
            checkout_session_id=checkout,
            amount=world.payments.payments[intent].paid.amount if intent else 0,
            refunds=_refunds(world.payments.payments[intent]) if intent else (),
            lost=_lost(world, world.payments.payments[intent]) if intent else 0,
        )
        for checkout, intent in paid.items()
    ]


def _refunds(payment: Payment) -> list[ProviderRefund]:
    return [
        ProviderRefund(
            provider_refund_id=made.provider_refund_id,
            refund_id=str(made.refund_id) if made.refund_id else None,
            amount=made.amount.amount,
            has_failed=made.has_failed,
            is_paid=not made.is_pending,
        )
        for _, made in payment.refunds
    ]


def _lost(world: "World", payment: Payment) -> int:
    """What banks took; in another currency, all of it."""
    return sum(
        dispute.dispute_amount.amount
        if dispute.dispute_amount.currency == payment.paid.currency
        else payment.paid.amount
        for dispute in world.disputes.values()
        if dispute.payment_intent_id == payment.payment_intent_id
        and dispute.outcome == "lost"
        and dispute.dispute_amount
    )


def _predictions(world: "World") -> list[ProviderPrediction]:
    return [
        ProviderPrediction(
            prediction_id=prediction_id,
            order_id=work.webhook_url.split("/")[-4],
            image_id=work.webhook_url.split("/")[-3],
            is_running=work.prediction.status is PredictionStatus.RUNNING,
            has_succeeded=work.prediction.status is PredictionStatus.SUCCEEDED,
        )
        for prediction_id, work in world.restorer.works.items()
    ]


def _mails(world: "World") -> list[AcceptedMail]:
    return [
        AcceptedMail(
            message_id=message_id,
            email_id=str(mail.email_id),
            order_id=str(mail.order_id),
            addresses=frozenset({mail.to, corrected(mail.to)}),
            token=token_in(mail.content),
        )
        for message_id, mail in world.mailer.mailbox.items()
    ]
