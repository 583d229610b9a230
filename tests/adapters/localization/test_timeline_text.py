"""An order's timeline: one sentence per event, without technical terms."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from adapters.localization import formats, labels
from adapters.localization.formats import duration_text, listed, ordinal, size_text
from adapters.localization.status_text import action_texts, reaction_text, status_of
from adapters.localization.timeline_text import TimelineText, timeline_text_of
from domain.order import events as e
from domain.order.reactions import pending_reactions
from domain.order.values import (
    Browser,
    Client,
    Device,
    DisputeOutcome,
    EmailKind,
    FailureReason,
    HoldReason,
    PointsReason,
    RefundReason,
)
from tests.domain.support.event_builders import PAID_AT, Facts
from tests.domain.support.given_when_then import given

FACTS = Facts(photos=3)


def recorded(event: e.Event, version: int, at: datetime, actor: str = "worker") -> e.RecordedEvent:
    return e.RecordedEvent(
        event_id=UUID(int=version),
        order_id=FACTS.order_id,
        version=version,
        recorded_at=at,
        cause="reaction:1 (MoveImages, attempt 1)",
        cause_key=f"cause-{version}",
        correlation_id=FACTS.order_id,
        actor=actor,
        event=event,
    )


def log(*events: e.Event, apart: timedelta = timedelta(seconds=2)) -> list[e.RecordedEvent]:
    return [
        recorded(event, version, PAID_AT + (version - 1) * apart)
        for version, event in enumerate(events, start=1)
    ]


def timeline(*events: e.Event, apart: timedelta = timedelta(seconds=2)) -> TimelineText:
    return timeline_text_of(log(*events, apart=apart))


def last(*events: e.Event) -> str:
    return timeline(*events).entries[-1].text


def texts(shown: TimelineText) -> list[str]:
    return [entry.text for entry in shown.entries]


def one_of_each() -> list[tuple[e.Event, ...]]:
    """For every type of event, a history that ends with it."""
    restoring, settled, ready = FACTS.until_restoring(), FACTS.until_settled(), FACTS.until_ready()
    completed, refunded = FACTS.until_completed(), FACTS.until_refunded()
    result = EmailKind.RESULT
    return [
        (FACTS.paid(),),
        restoring,
        (*restoring, FACTS.started()),
        (*restoring, FACTS.started(), FACTS.attempt_failed()),
        (*restoring, FACTS.started(), FACTS.small_result()),
        (*restoring, FACTS.started(), FACTS.restored()),
        (*restoring, FACTS.failed()),
        (*completed, FACTS.redo()),
        (*completed, FACTS.redo(), FACTS.redo_failed()),
        ready,
        (*completed, FACTS.link_issued()),
        (*completed, FACTS.link_issued(), FACTS.link_revoked()),
        (*completed, FACTS.email_requested(result)),
        (*completed, FACTS.bounced(result)),
        (*completed, FACTS.deferred(result)),
        (*completed, FACTS.blocked(result)),
        (*completed, FACTS.opted_out(result)),
        (*ready, FACTS.sent(result)),
        (*ready, FACTS.unconfirmed(result)),
        (*ready, FACTS.email_failed(result)),
        (*completed, FACTS.served()),
        (*completed, FACTS.downloaded()),
        (*restoring, FACTS.refund_requested(490)),
        (*restoring, FACTS.refund_requested(490), FACTS.refund_accepted(490)),
        refunded,
        (*restoring, FACTS.refund_requested(490), FACTS.refund_failed()),
        (*restoring, FACTS.refund_requested(490), FACTS.refund_dropped()),
        (*restoring, FACTS.credited()),
        (*restoring, FACTS.debited()),
        (*settled, FACTS.disputed()),
        (*settled, FACTS.disputed(), FACTS.decided()),
        (*restoring, FACTS.held()),
        (*restoring, FACTS.held(), e.OrderReleased()),
        (*restoring, FACTS.note()),
        (*completed, e.PhotosPurged()),
        (*completed, e.OrderErased()),
    ]


def test_there_is_an_example_of_every_event() -> None:
    assert {type(history[-1]) for history in one_of_each()} == set(e.EVENT_TYPES)


@pytest.mark.parametrize("history", one_of_each(), ids=lambda history: type(history[-1]).__name__)
def test_every_event_has_a_sentence_without_ids_or_code(history: tuple[e.Event, ...]) -> None:
    shown = timeline(*history)
    for sentence in [*texts(shown), shown.ending]:
        assert re.fullmatch(r"[A-Z0-9].*[.]", sentence)
        assert not re.search(r"[0-9a-f]{8}|_|None|[a-z][A-Z]", sentence.replace("20261122-000001", ""))


def test_the_payment_opens_the_story_with_amount_photos_and_number() -> None:
    shown = timeline(FACTS.paid())
    assert shown.title == "Order 20261122-000001: 3 photos, 14.70 EUR paid"
    assert texts(shown) == [
        "The customer's payment of 14.70 EUR for 3 photos arrived; the order got number 20261122-000001."
    ]


def test_a_discount_a_gift_and_a_wrong_amount_are_named() -> None:
    assert "arrived (14.70 EUR less 4.90 EUR);" in last(FACTS.paid(discount=490))
    assert "at no charge (14.70 EUR less 14.70 EUR);" in last(FACTS.paid(discount=1470))
    assert "of 5.00 EUR for 3 photos arrived (14.70 EUR had been quoted);" in last(FACTS.paid(500))


def test_the_payment_names_the_client_that_opened_its_checkout() -> None:
    client = Client(network="203.0.113.0/24", device=Device.PHONE, browser=Browser.SAFARI)
    origin = "Its checkout was opened with Safari on a phone, network 203.0.113.0/24."
    assert last(FACTS.paid(client=client)).endswith(f"20261122-000001. {origin}")
    assert last(FACTS.paid(discount=1470, client=client)).endswith(origin)


def test_photos_have_numbers_and_spans() -> None:
    shown = timeline(*FACTS.until_restoring(), FACTS.started(1), FACTS.restored(1))
    assert texts(shown)[2:] == [
        "Photo 2 went to the restorer (restore-image).",
        "Photo 2 came back restored after 2 s (2048 x 1536 pixels, 53 bytes).",
    ]


def test_a_second_attempt_says_how_long_after_the_first_it_began() -> None:
    shown = timeline(
        *FACTS.until_restoring(), FACTS.started(2), FACTS.attempt_failed(2), FACTS.started(2, attempt=2)
    )
    assert texts(shown)[3:] == [
        "The first attempt to restore photo 3 failed after 2 s: the restorer broke down on it.",
        "The second attempt to restore photo 3 began, 2 s after the last one failed.",
    ]


def test_a_request_whose_answer_was_lost_is_named_as_such() -> None:
    repeated = FACTS.started(0, prediction="another")
    assert last(*FACTS.until_restoring(), FACTS.started(0), repeated) == (
        "Photo 1 was handed over once more, because the answer to the first request was lost."
    )


def test_work_that_took_several_tries_says_so() -> None:
    payment, move = log(FACTS.paid(), FACTS.moved())
    shown = timeline_text_of([payment, replace(move, cause="reaction:1 (MoveImages, attempt 3)")])
    assert texts(shown)[1].endswith("verified byte for byte. It took 3 tries.")


def test_tries_are_counted_for_what_was_done_and_not_for_what_followed_from_it() -> None:
    cause = "reaction:1 (PrepareDownload, attempt 2)"
    history = [replace(each, cause=cause) for each in log(*FACTS.until_delivered(), FACTS.held())]
    counted = {
        type(each.recorded.event)
        for each in timeline_text_of(history).entries
        if each.text.endswith("2 tries.")
    }
    assert counted == {e.ImagesMoved, e.DownloadPrepared, e.EmailSent}


def test_a_photo_that_failed_is_paid_back_and_the_story_ends_well() -> None:
    shown = timeline(*FACTS.until_delivered(), FACTS.sent(EmailKind.CONFIRMATION), FACTS.refund_issued(490))
    assert "Photo 3 was given up: the model's safety filter stopped it. Its share of 4.90 EUR" in "".join(
        texts(shown)
    )
    assert "The shop resolved to pay back 4.90 EUR for photo 3, which could not be restored." in texts(shown)
    assert texts(shown)[-1] == "4.90 EUR was refunded to the customer, 8 s after it was resolved."
    assert shown.ending == (
        "The order is complete: the link to 2 of 3 photos was sent to the customer, and 4.90 EUR was refunded. "
        "Nothing is awaited."
    )


def test_the_mail_that_completes_the_order_says_so() -> None:
    shown = timeline(*FACTS.until_completed())
    assert texts(shown)[-2:] == [
        "The confirmation e-mail went out to the customer.",
        "The e-mail with the download link went out to the customer; with it, the order was complete.",
    ]
    assert shown.ending == (
        "The order is complete: the link to all 3 photos was sent to the customer. Nothing is awaited."
    )


def test_a_mail_whose_answer_was_lost_is_confirmed_or_sent_once_more() -> None:
    paid, lost, sent = log(
        FACTS.paid(), FACTS.unconfirmed(EmailKind.CONFIRMATION), FACTS.sent(EmailKind.CONFIRMATION)
    )
    endings = {
        "sendgrid": "The confirmation e-mail had gone out after all.",
        "worker": "The confirmation e-mail was sent once more.",
    }
    for actor, ending in endings.items():
        assert texts(timeline_text_of([paid, lost, replace(sent, actor=actor)]))[-1] == ending


def test_a_long_silence_is_part_of_the_story() -> None:
    history = [*FACTS.until_restoring(), FACTS.held(), e.OrderReleased()]
    assert [entry.pause for entry in timeline(*history, apart=timedelta(hours=2)).entries] == [
        None,
        "Nothing happened for 2 h.",
        "For 2 h nothing new came from the restorer.",
        "For 2 h the order waited for a person.",
    ]
    assert not any(entry.pause for entry in timeline(*history).entries)


def test_who_did_it_is_named_as_people_know_them() -> None:
    actors = ["stripe", "worker", "person:Ada"]
    events = [*FACTS.until_restoring(), FACTS.note()]
    shown = timeline_text_of(
        recorded(event, version, PAID_AT, actor)
        for version, (event, actor) in enumerate(zip(events, actors, strict=True), start=1)
    )
    assert [entry.who for entry in shown.entries] == ["Stripe", "a worker", "Ada"]
    assert texts(shown)[-1] == "Ada wrote a note about the order."


def test_an_order_without_events_has_no_story() -> None:
    with pytest.raises(ValueError, match="has no timeline"):
        timeline_text_of([])


def test_the_status_of_an_order_says_what_is_awaited() -> None:
    assert status_of(given(*FACTS.until_restoring(), FACTS.started(0), FACTS.restored(0)).order) == (
        "The photos are being restored: 1 of 3 done. Still to do: photo 2 has to go to the restorer; "
        "photo 3 has to go to the restorer; the confirmation e-mail has to be sent."
    )
    assert status_of(given(*FACTS.until_restoring(), FACTS.held()).order) == (
        "The order is on hold, because a staff member asked for it: "
        "a person has to release it or pay it back."
    )
    assert status_of(given(*FACTS.until_completed(), FACTS.disputed()).order) == (
        "The order is complete: the link to all 3 photos was sent to the customer. "
        "The bank's decision on the dispute is awaited."
    )


def test_a_delivered_order_says_what_is_owed_for_the_other_photos() -> None:
    sent = "The link to 2 of 3 photos was sent to the customer"
    delivered = given(*FACTS.until_delivered()).order
    assert status_of(delivered).startswith(f"{sent}, and 4.90 EUR has yet to be refunded. ")
    dropped = given(*FACTS.until_delivered(), FACTS.refund_dropped()).order
    assert status_of(dropped).startswith(f"{sent}, the money for the others is owed.")


def test_every_pending_reaction_has_words() -> None:
    spoken = {
        reaction_text(work, order)
        for history in one_of_each()
        for order in [given(*history).order]
        for work in pending_reactions(order)
    }
    assert all(re.fullmatch(r"(?!.*[0-9a-f]{8}).+[a-z0-9]", words) for words in spoken)
    assert {
        "4.90 EUR has to be paid back",
        "the e-mail with the download link has to be confirmed, or sent once more",
        "the restorer's answer for photo 1 is awaited",
        "the restored photos have to be packed and their link made",
    } <= spoken


def test_what_a_person_may_do_follows_the_lifecycle() -> None:
    assert action_texts(given(*FACTS.until_restoring()).order) == [
        "put it on hold",
        "pay back up to 14.70 EUR",
        "send the mail again that its state calls for",
        "write a note about it",
    ]
    assert "let it go on" in action_texts(given(*FACTS.until_restoring(), FACTS.held()).order)
    assert action_texts(given(*FACTS.until_refunded()).order)[-1] == "erase the customer's data"


def test_every_reason_has_words() -> None:
    assert set(labels.FAILURES) == set(FailureReason)
    assert set(labels.HOLDS) == set(HoldReason)
    assert set(labels.MAILS) == set(EmailKind)
    assert set(labels.POINTS) == set(PointsReason)
    assert set(labels.OUTCOMES) == set(DisputeOutcome)


@pytest.mark.parametrize("reason", RefundReason)
def test_every_refund_says_why(reason: RefundReason) -> None:
    text = last(*FACTS.until_restoring(), FACTS.refund_requested(490, 0, reason=reason))
    assert "4.90 EUR" in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.1424, "0.142 s"),
        (0.9996, "1 s"),
        (9.96, "10 s"),
        (59.99, "1 min"),
        (245, "4 min 5 s"),
        (12_000, "3 h 20 min"),
        (187_200, "2 days 4 h"),
    ],
)
def test_durations_are_written_as_people_say_them(seconds: float, words: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == words


def test_photos_are_counted_as_people_count_them() -> None:
    assert [formats.every(photos, "is", "are") for photos in (1, 2, 3)] == [
        *("the photo is", "both photos are", "all 3 photos are"),
    ]


def test_numbers_are_written_as_people_say_them() -> None:
    assert [ordinal(number) for number in (1, 10, 11, 12, 21, 22, 103, 111)] == [
        *("first", "tenth", "11th", "12th", "21st", "22nd", "103rd", "111th"),
    ]
    assert [listed(parts) for parts in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        *("", "a", "a and b", "a, b and c"),
    ]
    assert [size_text(size) for size in (1, 812, 191_234, 999_600, 3_400_000)] == [
        "1 byte",
        "812 bytes",
        "191 kB",
        "1.0 MB",
        "3.4 MB",
    ]
