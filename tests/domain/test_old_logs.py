"""What the first versions of the shop wrote: it folds, and nothing that was done then is wanted once more.

They called every result by one name, and told nobody of money that went back.
"""

from dataclasses import replace
from functools import reduce

import pytest

from domain.model import events as e
from domain.model.evolve import evolve
from domain.model.keeping import Obstacle, obstacle
from domain.model.lifecycle import State
from domain.model.order import Order
from domain.model.reactions import IssueRefund, PrepareDownload, SendEmail, needed
from domain.model.values import EmailKind, HoldReason
from tests.domain.facts import Facts
from tests.domain.specification import Given, given

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
    """A refund as older versions stored it."""
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
    order = Given(reduce(evolve, stream, Order(order_id=FACTS.order_id))).stands(end).needs().order
    assert not needed(order)
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
    given(*PARTLY_RESTORED).stands(State.SETTLED).needs(PrepareDownload(), IssueRefund(FACTS.refund(), 1))
    asked = given(*FACTS.until_completed(), FACTS.refund_requested(300))
    assert obstacle(asked.order) is Obstacle.IN_WORK
    asked.needs(IssueRefund(FACTS.refund(), 1))
