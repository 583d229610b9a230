"""Streams of earlier versions fold, and reopen no finished work.

Earlier versions named every result alike, sent no mail about a refund, and took every client that requested a
file for the customer.
"""

from dataclasses import replace
from functools import reduce

import pytest

from domain.order import events as e
from domain.order.closure import Obstacle, obstacle
from domain.order.decide import decide
from domain.order.errors import IllegalMoveError
from domain.order.evolve import evolve
from domain.order.lifecycle import may_be_on_record
from domain.order.order import Order
from domain.order.reactions import IssueRefund, PrepareDownload, SendEmail, required_reactions
from domain.order.states import State
from domain.order.values import EmailKind, HoldReason
from tests.domain.support.event_builders import Facts
from tests.domain.support.given_when_then import LIMITS, Given, given

FACTS = Facts()  # two photos for 9.80 EUR
CONFIRMED = FACTS.sent(EmailKind.CONFIRMATION)
PARTLY_RESTORED = (
    *FACTS.until_restoring(),
    CONFIRMED,
    FACTS.restored(0),
    FACTS.failed(1),
    FACTS.owed(490, 1),
)


def untold(amount: int) -> e.RefundIssued:
    """A refund as earlier versions stored it."""
    return replace(FACTS.refund_issued(amount), is_told=False)


@pytest.mark.parametrize(
    ("stream", "end"),
    [
        ((*FACTS.until_completed(),), State.COMPLETED),
        ((*PARTLY_RESTORED, FACTS.prepared(0), FACTS.sent(EmailKind.RESULT), untold(490)), State.COMPLETED),
        (
            (
                *(*FACTS.until_restoring(), CONFIRMED, FACTS.failed(0), FACTS.failed(1)),
                *(FACTS.owed(980, 0, 1), untold(980)),
            ),
            State.REFUNDED,
        ),
        ((*FACTS.until_completed(), FACTS.refund_requested(300), untold(300)), State.COMPLETED),
        (
            (
                *(*FACTS.until_restoring(), CONFIRMED, FACTS.refund_requested(980), FACTS.started(0)),
                *(FACTS.restored(0), untold(980)),
            ),
            State.REFUNDED,
        ),
        (
            (
                *(*FACTS.until_ready(), CONFIRMED, FACTS.refund_requested(980), FACTS.sent(EmailKind.RESULT)),
                untold(980),
            ),
            State.REFUNDED,
        ),
        (
            (
                *(*PARTLY_RESTORED, FACTS.prepared(0), FACTS.sent(EmailKind.RESULT), untold(490)),
                *(FACTS.disputed(), FACTS.decided(), FACTS.held(), FACTS.released()),
            ),
            State.COMPLETED,
        ),
    ],
    ids=["complete", "in part", "nothing", "goodwill", "stopped", "stopped late", "disputed"],
)
def test_an_order_that_was_over_under_an_older_version_needs_nothing_more(
    stream: tuple[e.Event, ...], end: State
) -> None:
    order = Given(reduce(evolve, stream, Order(order_id=FACTS.order_id))).has_state(end).needs().order
    assert not required_reactions(order)
    assert obstacle(order) is None


def test_an_older_result_in_part_that_is_on_its_way_is_the_only_one() -> None:
    resent = SendEmail(FACTS.email(EmailKind.RESULT), EmailKind.RESULT, 2)
    given(*PARTLY_RESTORED, FACTS.prepared(0), FACTS.unconfirmed(EmailKind.RESULT)).needs(
        IssueRefund(FACTS.refund(), 1), resent
    )
    refused = (FACTS.email_failed(EmailKind.RESULT), FACTS.held(HoldReason.EMAIL_NOT_SENT))
    given(*PARTLY_RESTORED, FACTS.prepared(0), *refused, FACTS.released()).needs(
        IssueRefund(FACTS.refund(), 1), resent
    )


def test_an_older_order_in_the_middle_of_its_way_goes_on() -> None:
    given(*PARTLY_RESTORED).has_state(State.SETTLED).needs(PrepareDownload(), IssueRefund(FACTS.refund(), 1))
    asked = given(*FACTS.until_completed(), FACTS.refund_requested(300))
    assert obstacle(asked.order) is Obstacle.IN_WORK
    asked.needs(IssueRefund(FACTS.refund(), 1))


#: A mail bounced after some client had requested the archive: earlier versions left such an order complete.
SCANNED_AND_BOUNCED = (
    *FACTS.until_completed(),
    FACTS.served(client=None),
    FACTS.bounced(EmailKind.RESULT),
)


def test_an_older_order_that_only_a_scanner_may_have_seen_is_not_complete() -> None:
    order = given(*SCANNED_AND_BOUNCED).has_state(State.READY).order
    assert not order.is_fetched
    resent = FACTS.email_requested(EmailKind.RESULT)
    given(*SCANNED_AND_BOUNCED).when(resent).then(resent).needs(
        SendEmail(FACTS.email(EmailKind.RESULT, 2), EmailKind.RESULT, 1)
    )


def test_an_older_order_that_was_purged_and_erased_after_a_scanners_visit_stays_so() -> None:
    purged = given(*SCANNED_AND_BOUNCED, FACTS.purged()).has_state(State.COMPLETED)
    assert obstacle(purged.order) is None
    given(*SCANNED_AND_BOUNCED, FACTS.purged(), FACTS.erased()).has_state(State.ERASED)
    given(*SCANNED_AND_BOUNCED, FACTS.erased()).has_state(State.ERASED)


def test_what_older_versions_did_then_is_decided_no_more() -> None:
    for event in (FACTS.purged(), FACTS.erased(), FACTS.redo()):
        assert may_be_on_record(State.READY, type(event))
        with pytest.raises(IllegalMoveError):
            decide(given(*SCANNED_AND_BOUNCED).order, event, LIMITS)
    assert not may_be_on_record(State.PAID, e.PhotosPurged)
