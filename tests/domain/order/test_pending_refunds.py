"""An accepted refund is pending until the provider has paid it."""

from dataclasses import replace

import pytest

from adapters.localization.status_text import owner_sentence_of, status_of
from adapters.localization.timeline_text import timeline_text_of
from domain.order import events as e
from domain.order.ledger import RefundStatus
from domain.order.states import State
from domain.order.values import DisputeOutcome, EmailKind, HoldReason, Money, RefundReason
from tests.adapters.localization.test_timeline_text import log
from tests.domain.support.event_builders import Facts
from tests.domain.support.given_when_then import given

FACTS = Facts(photos=2)
STOPPED = (*FACTS.until_restoring(), FACTS.refund_requested(980))


def test_an_order_waits_until_its_pending_refund_is_paid() -> None:
    pending = given(*STOPPED).when(FACTS.refund_accepted(980)).then(FACTS.refund_accepted(980))
    pending.has_state(State.REFUNDING)
    assert (pending.order.ledger.pending, pending.order.refunded_amount) == (980, 0)
    assert pending.order.refundable_amount == 0
    pending.when(FACTS.refund_issued(980)).then(FACTS.refund_issued(980)).has_state(State.REFUNDED)


def test_the_customer_gets_one_mail_when_the_refund_is_accepted_and_none_when_it_is_paid() -> None:
    paid = given(*STOPPED, FACTS.refund_accepted(980), FACTS.refund_issued(980)).order
    assert [email.kind for email in paid.emails.values()].count(EmailKind.REFUND) == 1


def test_the_share_of_failed_photos_is_reported_when_accepted_after_another_refund() -> None:
    history = (
        *FACTS.until_restoring(),
        FACTS.refund_requested(100),
        FACTS.refund_accepted(100),
        FACTS.refund_issued(100),
        FACTS.failed(0),
        FACTS.failed(1),
        FACTS.owed(880, 0, 1, sequence=2),
    )
    order = given(*history, FACTS.refund_accepted(880, sequence=2)).order
    assert [email.kind for email in order.emails.values()].count(EmailKind.FAILURE) == 1


def test_a_pending_refund_is_never_called_paid_back() -> None:
    history = (*STOPPED, FACTS.refund_accepted(980))
    timeline = timeline_text_of(log(*history))
    words = " ".join(
        [*(entry.text for entry in timeline.entries), timeline.ending, status_of(given(*history).order)]
    )
    assert "on its way" in words
    assert "was refunded" not in words
    assert "was refunded to the customer" in timeline_text_of(log(*history, FACTS.refund_issued(980))).ending


def test_a_pending_refund_beside_a_lost_dispute_in_another_currency_is_not_called_paid_back() -> None:
    """A bank took 5.00 USD of 9.80 EUR, which counts as everything.

    The refund of 4.90 EUR is not paid yet.
    """
    opened = replace(FACTS.disputed(), amount=Money(amount=500, currency="USD"))
    history = (
        *FACTS.until_restoring(),
        FACTS.refund_requested(490),
        FACTS.refund_accepted(490),
        opened,
        FACTS.decided(DisputeOutcome.LOST),
    )
    order = given(*history).order
    assert (order.state, order.ledger.pending) == (State.REFUNDED, 490)
    assert "was refunded" not in status_of(order)


def test_what_a_bank_took_of_another_currency_is_not_called_refunded() -> None:
    """5.00 USD and 4.90 EUR may not be 9.80 EUR."""
    opened = replace(FACTS.disputed(), amount=Money(amount=500, currency="USD"))
    history = (
        *FACTS.until_restoring(),
        FACTS.refund_requested(490),
        opened,
        FACTS.decided(DisputeOutcome.LOST),
        FACTS.refund_issued(490),
    )
    order = given(*history).has_state(State.REFUNDED).order
    assert "a bank took the payment in another currency, and 4.90 EUR was refunded." in status_of(order)
    assert (
        owner_sentence_of(order) == "The bank took the payment back in another currency; the order is closed."
    )
    assert "the full payment was refunded" not in " ".join(
        entry.text for entry in timeline_text_of(log(*history)).entries
    )


def test_a_delivered_order_is_complete_only_when_the_share_of_its_failed_photo_is_paid() -> None:
    pending = given(*FACTS.until_delivered(), FACTS.refund_accepted(490)).has_state(State.DELIVERED)
    assert "and 4.90 EUR has yet to be refunded" in status_of(pending.order)
    pending.when(FACTS.refund_issued(490)).then(FACTS.refund_issued(490)).has_state(State.COMPLETED)


def test_a_pending_refund_that_fails_is_owed_again() -> None:
    pending = given(*STOPPED, FACTS.refund_accepted(980))
    failed = FACTS.refund_failed(provider_refund_id="re_1")
    after = pending.when(failed).then(failed, e.OrderHeld(reason=HoldReason.REFUND_NOT_ISSUED))
    assert after.order.ledger.having(RefundStatus.FAILED)


@pytest.mark.parametrize("late", [FACTS.refund_accepted(980), FACTS.refund_issued(980)])
def test_a_late_webhook_of_a_paid_refund_changes_nothing(late: e.Event) -> None:
    given(*STOPPED, FACTS.refund_accepted(980), FACTS.refund_issued(980)).when(late).then_nothing()


def test_a_pending_refund_made_in_the_dashboard_is_recorded_as_on_its_way() -> None:
    at_provider = FACTS.refund_requested(980, reason=RefundReason.AT_PROVIDER)
    given(FACTS.paid()).when(FACTS.refund_accepted(980)).then(
        at_provider, FACTS.refund_accepted(980)
    ).has_state(State.REFUNDING)
