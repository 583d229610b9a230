"""Commands on an order, and the events that each one leads to."""

from collections.abc import Mapping
from typing import get_args
from uuid import UUID

import pytest

from domain.order import commands as c
from domain.order import events as e
from domain.order.deterministic_ids import provider_refund_id_by_hand
from domain.order.errors import IllegalMoveError, RefundExceedsPaymentError
from domain.order.values import EmailKind, FailureReason, HoldReason, NoteId, RefundId, RefundReason
from tests.domain.support.event_builders import Facts, euros
from tests.domain.support.given_when_then import given

FACTS = Facts(photos=2)
NOTE = NoteId(UUID(int=1931))
REFUND = RefundId(UUID(int=7))
PRICE = FACTS.price
DELIVERED = (
    *FACTS.until_settled(),
    FACTS.prepared(),
    FACTS.sent(EmailKind.CONFIRMATION),
    FACTS.sent(EmailKind.RESULT),
)


def requested(amount: int, *indices: int) -> e.RefundRequested:
    return e.RefundRequested(
        refund_id=REFUND,
        amount=euros(amount),
        reason=RefundReason.REQUESTED,
        image_ids=tuple(FACTS.image(index) for index in indices),
        note_id=NOTE,
    )


ISSUED = FACTS.link_issued(2)

#: For each command: the history, the command, and the event that it leads to.
ANSWERS: Mapping[type, tuple[tuple[e.Event, ...], c.Command, e.Event]] = {
    c.Hold: (
        (FACTS.paid(),),
        c.Hold(note_id=NOTE),
        e.OrderHeld(reason=HoldReason.REQUESTED, note_id=NOTE),
    ),
    c.Release: ((FACTS.paid(), FACTS.held()), c.Release(note_id=NOTE), e.OrderReleased(note_id=NOTE)),
    c.RequestRefund: (
        (FACTS.paid(),),
        c.RequestRefund(refund_id=REFUND, amount=euros(100), note_id=NOTE),
        requested(100),
    ),
    c.RecordManualRefund: (
        (
            FACTS.paid(),
            requested(100),
            e.RefundFailed(refund_id=REFUND, provider_refund_id=None, reason="expired_or_canceled_card"),
        ),
        c.RecordManualRefund(refund_id=REFUND, amount=euros(100), note_id=NOTE),
        e.RefundIssued(
            refund_id=REFUND, amount=euros(100), provider_refund_id=provider_refund_id_by_hand(NOTE)
        ),
    ),
    c.RequestRedo: (
        DELIVERED,
        c.RequestRedo(image_id=FACTS.image(0), by_customer=True),
        FACTS.redo(0, by_customer=True),
    ),
    c.IssueLink: (
        DELIVERED,
        c.IssueLink(link_id=ISSUED.link_id, token_sha256=ISSUED.token_sha256, expires_at=ISSUED.expires_at),
        ISSUED,
    ),
    c.RevokeLink: (
        (*DELIVERED, ISSUED),
        c.RevokeLink(link_id=ISSUED.link_id),
        e.DownloadLinkRevoked(link_id=ISSUED.link_id),
    ),
    c.RequestEmail: (
        DELIVERED,
        c.RequestEmail(kind=EmailKind.RESULT),
        FACTS.email_requested(EmailKind.RESULT, sequence=2),
    ),
}


def test_every_command_has_an_example() -> None:
    assert set(ANSWERS) == set(get_args(c.Command))


@pytest.mark.parametrize("kind", ANSWERS, ids=lambda kind: kind.__name__)
def test_a_command_is_answered_with_its_event(kind: type) -> None:
    history, command, event = ANSWERS[kind]
    given(*history).when(command).then(event)


def test_a_refund_without_an_amount_is_all_that_is_left() -> None:
    request = c.RequestRefund(refund_id=REFUND, note_id=NOTE)
    given(FACTS.paid(), FACTS.refund_requested(100)).when(request).then(requested(2 * PRICE - 100))


def test_a_refund_of_photos_without_an_amount_is_their_price() -> None:
    request = c.RequestRefund(refund_id=REFUND, image_ids=(FACTS.image(1),), note_id=NOTE)
    withdrawn = e.RestorationFailed(image_id=FACTS.image(1), attempts=0, reason=FailureReason.WITHDRAWN)
    given(*FACTS.until_restoring()).when(request).then(withdrawn, requested(PRICE, 1))


def test_a_refund_of_more_than_is_left_is_refused() -> None:
    request = c.RequestRefund(refund_id=REFUND, amount=euros(2 * PRICE))
    given(FACTS.paid(), FACTS.refund_requested(100)).when(request).then_refused(RefundExceedsPaymentError)


def test_nothing_is_refunded_before_the_payment() -> None:
    given().when(c.RequestRefund(refund_id=REFUND)).then_refused(IllegalMoveError)
