"""Points follow partial and failed refunds, disputes, and orders without a charge."""

from dataclasses import replace
from functools import reduce
from uuid import UUID

import pytest

from domain.order.decide import decide
from domain.order.evolve import evolve
from domain.order.limits import Limits
from domain.order.states import State
from domain.order.values import CustomerId, DisputeOutcome, HoldReason, PointsReason
from tests.domain.support.event_builders import Facts
from tests.domain.support.given_when_then import given

FACTS = Facts()  # two photos for 9.80 EUR


@pytest.mark.parametrize("parts", [(1, 979), (327, 327, 326), (10, 20, 950), (980,)])
def test_points_add_up_however_small_the_partial_refunds(parts: tuple[int, ...]) -> None:
    friend = CustomerId(UUID(int=7))
    referral = FACTS.credited(100, PointsReason.REFERRAL, customer_id=friend)
    order = given(FACTS.paid(), FACTS.debited(33), FACTS.credited(100), referral).order
    for sequence, part in enumerate(parts, start=1):
        for proposed in (
            FACTS.refund_requested(part, sequence=sequence),
            FACTS.refund_issued(part, sequence=sequence),
        ):
            order = reduce(evolve, decide(order, proposed, Limits()), order)
        left = {entry.customer_id: 0 for entry in order.points}
        for entry in order.points:
            left[entry.customer_id] += entry.points
        assert left[friend] == 100 - 100 * order.refunded_amount // 980
    assert set(left.values()) == {0}


def test_a_refund_that_fails_and_is_issued_after_all_takes_points_once() -> None:
    earned = given(FACTS.paid(), FACTS.credited(100), FACTS.refund_requested(980))
    issued, failed = FACTS.refund_issued(980), FACTS.refund_failed()
    taken = FACTS.debited(100, PointsReason.TAKEN_BACK)
    after = earned.when(issued).then(issued, taken)
    again = after.when(failed).then(failed, FACTS.held(HoldReason.REFUND_NOT_ISSUED))
    released = again.when(FACTS.released()).then(FACTS.released())
    second = replace(issued, provider_refund_id="re_second")
    released.when(second).then(second)


def test_what_a_bank_takes_takes_its_points_along() -> None:
    earned = given(FACTS.paid(), FACTS.credited(100), FACTS.debited(40), FACTS.disputed())
    lost = FACTS.decided(DisputeOutcome.LOST)
    taken = FACTS.debited(100, PointsReason.TAKEN_BACK)
    returned = FACTS.credited(40, PointsReason.RETURNED)
    earned.when(lost).then(lost, taken, returned)
    won = FACTS.decided(DisputeOutcome.WON)
    earned.when(won).then(won)


def test_points_that_paid_for_a_photo_come_back_when_it_cannot_be_restored() -> None:
    free = given(FACTS.paid(discount=980), FACTS.debited(980), FACTS.moved())
    half = FACTS.credited(490, PointsReason.RETURNED)
    first = free.when(FACTS.failed(0)).then(FACTS.failed(0), half)
    first.when(FACTS.failed(1)).then(FACTS.failed(1), half).has_state(State.REFUNDED)
    first.when(FACTS.restored(1)).then(FACTS.restored(1))
