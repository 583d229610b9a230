"""A bank's inquiry withdraws no money and stops neither refunds nor work."""

from dataclasses import replace
from itertools import permutations

from adapters.localization.status_text import status_of
from adapters.localization.timeline_text import timeline_text_of
from domain.order import events as e
from domain.order.closure import Obstacle, obstacle
from domain.order.decide import decide
from domain.order.evolve import evolve
from domain.order.states import State
from domain.order.values import DisputeOutcome, EmailKind, HoldReason, Money
from tests.adapters.localization.test_timeline_text import log
from tests.domain.support.event_builders import Facts
from tests.domain.support.given_when_then import LIMITS, given

FACTS = Facts(photos=2)
ASKED = FACTS.disputed(is_inquiry=True)
CLOSED = FACTS.decided(DisputeOutcome.INQUIRY_CLOSED)


def test_an_inquiry_bars_no_refund_and_stops_no_work() -> None:
    before = given(*FACTS.until_ready())
    asked = before.when(ASKED).then(ASKED).adds().has_state(State.READY)
    assert not asked.order.is_disputed
    assert asked.order.has_open_inquiry
    assert asked.order.refundable_amount == 980
    asked.when(FACTS.refund_requested(980)).then(FACTS.refund_requested(980))
    asked.when(FACTS.sent(EmailKind.RESULT)).then(FACTS.sent(EmailKind.RESULT))


def test_an_inquiry_and_its_end_are_recorded() -> None:
    timeline = timeline_text_of(log(*FACTS.until_completed(), ASKED))
    assert "an inquiry, which takes no money and stops nothing" in timeline.entries[-1].text
    assert "The bank asks about the payment (an inquiry)" in timeline.ending
    ended = timeline_text_of(log(*FACTS.until_completed(), ASKED, CLOSED))
    assert ended.entries[-1].text == "The bank closed its inquiry: no money was taken."
    assert "inquiry" not in status_of(given(*FACTS.until_completed(), ASKED, CLOSED).order)


def test_an_inquiry_that_becomes_a_chargeback_is_a_dispute() -> None:
    disputed = given(*FACTS.until_completed(), ASKED).when(FACTS.disputed()).then(FACTS.disputed())
    assert (disputed.order.is_disputed, disputed.order.has_open_inquiry) == (True, False)
    assert disputed.order.refundable_amount == 0
    disputed.when(ASKED).then_nothing()
    disputed.when(CLOSED).then_nothing()


def test_an_inquiry_may_become_a_chargeback_after_it_was_closed() -> None:
    given(*FACTS.until_completed(), ASKED, CLOSED).when(FACTS.disputed()).then(FACTS.disputed())


def test_only_the_end_of_an_inquiry_that_was_not_recorded_is_one() -> None:
    ends = (CLOSED, FACTS.decided(DisputeOutcome.LOST))
    recorded = [given(*FACTS.until_completed(), end).order.disputes[end.dispute_id] for end in ends]
    assert [dispute.is_inquiry for dispute in recorded] == [True, False]


def test_webhooks_of_an_inquiry_its_chargeback_and_its_end_may_come_in_any_order() -> None:
    ends = set()
    lost = replace(FACTS.decided(DisputeOutcome.LOST), amount=Money(amount=980, currency="EUR"))
    word: list[e.Event] = [ASKED, FACTS.disputed(), lost]
    for facts in permutations(word):
        order = given(*FACTS.until_completed()).order
        for proposed in facts:
            for event in decide(order, proposed, LIMITS):
                order = evolve(order, event)
        ends.add((order.state, order.is_disputed, order.has_open_inquiry, order.ledger.lost))
    assert ends == {(State.REFUNDED, False, False, 980)}


def test_photos_are_kept_while_a_bank_asks() -> None:
    done = (*FACTS.until_completed(), ASKED)
    assert obstacle(given(*done).order) is Obstacle.DISPUTED
    assert obstacle(given(*done, CLOSED).order) is None


def test_tax_on_top_of_a_right_quote_is_recorded_and_holds_nothing() -> None:
    taxed = replace(FACTS.paid(1166), tax=Money(amount=186, currency="EUR"))
    after = given().when(taxed).then(taxed).has_state(State.PAID)
    assert after.order.refundable_amount == 1166
    assert sum(image.share.amount for image in after.order.images.values()) == 1166
    assert "(9.80 EUR and 1.86 EUR tax)" in timeline_text_of(log(taxed)).entries[0].text


def test_a_payment_that_tax_does_not_explain_is_held() -> None:
    wrong = replace(FACTS.paid(1000), tax=Money(amount=186, currency="EUR"))
    given().when(wrong).then(wrong, FACTS.held(HoldReason.AMOUNT_MISMATCH))
