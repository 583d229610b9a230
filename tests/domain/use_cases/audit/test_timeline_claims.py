"""Law 13: no sentence claims more than the order's events show."""

import random

import pytest

from domain.order import events as e
from domain.order.decide import decide
from domain.order.errors import ShopError
from domain.order.evolve import apply
from domain.order.order import Order
from domain.order.reactions import pending_reactions
from domain.order.values import EmailKind
from tests.domain.order.test_any_life import HEAD_STARTS, outcomes_of
from tests.domain.support.event_builders import ORDER_ID, Facts
from tests.domain.support.given_when_then import LIMITS
from tests.domain.support.recording import recorded
from tests.domain.support.valid_event_strategies import CHAPTERS
from tests.laws.sentences import Known, check_status, check_timeline, known_from, unearned

FACTS = Facts()
STEPS = 20


@pytest.mark.parametrize("seed", range(60))
def test_no_sentence_about_a_random_life_is_stronger_than_its_events(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 -- a reproducible history
    facts = Facts(photos=chance.randint(1, 3), price=chance.choice([0, 1, 490]))
    order, stream, known = Order(order_id=ORDER_ID), list[e.RecordedEvent](), Known()
    lived = list(chance.choice(HEAD_STARTS)(facts)) or [facts.paid()]
    for step in range(len(lived) + STEPS):
        fitting = [fact for chapter in CHAPTERS for fact in chapter(facts, order)] if stream else []
        work = [out for each in pending_reactions(order) for out in outcomes_of(each, facts, order)]
        proposed = lived[step] if step < len(lived) else chance.choice([*fitting, *work, *work, facts.note()])
        try:
            decision = decide(order, proposed, LIMITS)
        except ShopError:
            continue
        for event in decision:
            stream += recorded(order, event)
            order = apply(order, stream[-1])
            known.apply(event)
        if decision:
            check_status(order, known)
    if stream:
        check_timeline(stream)


@pytest.mark.parametrize(
    ("sentence", "short_of", "earned_by"),
    [
        (
            "The customer pressed the button behind the link and fetched the whole archive.",
            FACTS.served(),
            FACTS.downloaded(),
        ),
        (
            "The customer pressed the button behind the link and fetched photo 2.",
            FACTS.downloaded(FACTS.image(0)),
            FACTS.downloaded(FACTS.image(1)),
        ),
        (
            "Photo 1 was sent through the link.",
            FACTS.downloaded(FACTS.image(0)),
            FACTS.served(FACTS.image(0)),
        ),
        (
            "The link to both photos was sent to the customer.",
            FACTS.unconfirmed(EmailKind.RESULT),
            FACTS.sent(EmailKind.RESULT),
        ),
        ("4.90 EUR was refunded to the customer.", FACTS.refund_requested(490), FACTS.refund_issued(490)),
        ("Sent back: 4.90 EUR", FACTS.refund_issued(480), FACTS.refund_issued(490)),
    ],
)
def test_a_sentence_is_found_that_is_stronger_than_its_events(
    sentence: str, short_of: e.Event, earned_by: e.Event
) -> None:
    before = (*FACTS.until_ready(), short_of)
    assert list(unearned(sentence, known_from(before)))
    assert list(unearned(sentence, known_from((*before, FACTS.refund_failed(), earned_by)))) == []


@pytest.mark.parametrize(
    ("sentence", "short_of", "earned_by"),
    [
        (
            "Sie haben sie über den Link abgeholt, den wir Ihnen geschickt haben.",
            FACTS.served(),
            FACTS.downloaded(),
        ),
        (
            "Ihre Fotos sind fertig: Sehen Sie in Ihr Postfach",
            FACTS.unconfirmed(EmailKind.RESULT),
            FACTS.sent(EmailKind.RESULT),
        ),
        ("Erstattet: 4,90 €", FACTS.refund_requested(490), FACTS.refund_issued(490)),
        ("Von Ihrer Zahlung erstatten wir Ihnen 4,90 €.", FACTS.served(), FACTS.refund_requested(490)),
    ],
)
def test_a_german_sentence_is_found_that_is_stronger_than_its_events(
    sentence: str, short_of: e.Event, earned_by: e.Event
) -> None:
    before = (*FACTS.until_ready(), short_of)
    assert list(unearned(sentence, known_from(before), "de"))
    assert list(unearned(sentence, known_from((*before, earned_by)), "de")) == []


def test_a_link_whose_mail_came_back_was_not_sent() -> None:
    bounced = known_from((*FACTS.until_completed(), FACTS.bounced(EmailKind.RESULT)))
    assert list(unearned("The link to both photos was sent to the customer.", bounced))


def test_a_significant_word_without_a_row_is_found() -> None:
    everything = known_from((*FACTS.until_completed(), FACTS.downloaded()))
    assert list(unearned("Your photos were delivered.", everything))
    assert list(unearned("Your photos are in good hands.", everything)) == []
    assert list(unearned("Ihre Fotos sind zugestellt.", everything, "de"))
    assert list(unearned("Ihre Fotos sind in guten Händen.", everything, "de")) == []
