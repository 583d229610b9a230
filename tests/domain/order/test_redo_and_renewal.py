"""Requests after delivery: another attempt, another mail, another link."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.order import events as e
from domain.order.customer_request_limits import why_no_redo
from domain.order.errors import (
    IllegalMoveError,
    LastDownloadLinkError,
    NothingToSendError,
    RedoRefusedError,
    UnknownDownloadLinkError,
)
from domain.order.limits import Limits
from domain.order.order import Order
from domain.order.reactions import (
    CancelPrediction,
    CollectRestoration,
    PrepareDownload,
    RestoreImage,
    SendEmail,
    pending_reactions,
)
from domain.order.states import State
from domain.order.values import EmailKind, FailureReason, HoldReason, NoteId, RedoObstacle, Variant
from tests.domain.support.event_builders import Facts, stored
from tests.domain.support.given_when_then import Given, given

FACTS = Facts()
REDO = FACTS.redo()
AGAIN = CollectRestoration(FACTS.image(0), 2, "prediction-0-2")


def completed() -> Given:
    return given(*FACTS.until_completed()).has_state(State.COMPLETED).needs()


def mail(kind: EmailKind, sequence: int = 1, attempt: int = 1) -> SendEmail:
    return SendEmail(FACTS.email(kind, sequence), kind, attempt)


def test_a_redo_goes_to_the_second_variant_and_leaves_the_order_complete() -> None:
    asked = completed().when(REDO).then(REDO).has_state(State.COMPLETED).adds(RestoreImage(FACTS.image(0), 2))
    assert asked.order.images[FACTS.image(0)].variant is Variant.SECOND
    asked.when(FACTS.started(0, 2)).then(FACTS.started(0, 2)).adds(AGAIN)


def test_the_result_of_a_redo_is_packed_beside_the_first_one_and_mailed() -> None:
    running = given(*FACTS.until_completed(), REDO, FACTS.started(0, 2))
    better = FACTS.restored(0, 2)
    settled = running.when(better).then(better).has_state(State.COMPLETED).adds(PrepareDownload(2))
    assert settled.order.images[FACTS.image(0)].earlier == (
        stored(f"uploads/restored/{FACTS.image(0)}", media_type="image/png"),
    )
    packed = FACTS.prepared(edition=2, sequence=2)
    ready = settled.when(packed).then(packed).has_state(State.COMPLETED).adds(mail(EmailKind.REDONE))
    sent = FACTS.sent(EmailKind.REDONE)
    ready.when(sent).then(sent).has_state(State.COMPLETED).needs()


def test_two_redos_are_packed_together_once_both_are_over() -> None:
    both = given(*FACTS.until_completed(), REDO, FACTS.redo(1), FACTS.started(0, 2), FACTS.started(1, 2))
    one = both.when(FACTS.restored(0, 2)).then(FACTS.restored(0, 2)).adds()
    failed = FACTS.attempt_failed(1, 2, FailureReason.CONTENT_FILTER)
    given_up = FACTS.redo_failed(1, 2, FailureReason.CONTENT_FILTER)
    one.when(failed).then(failed, given_up).adds(PrepareDownload(2))


def test_an_archive_does_not_take_the_place_of_a_link_that_was_issued_while_it_was_made() -> None:
    redone = given(
        *FACTS.until_completed(), REDO, FACTS.started(0, 2), FACTS.restored(0, 2), FACTS.link_issued()
    )
    redone.when(FACTS.prepared(edition=2, sequence=2)).then_nothing()
    assert PrepareDownload(2) in pending_reactions(redone.order)
    packed = FACTS.prepared(edition=2, sequence=3)
    redone.when(packed).then(packed)


def test_a_redo_that_brings_nothing_leaves_the_first_result_and_says_so() -> None:
    running = given(*FACTS.until_completed(), REDO, FACTS.started(0, 2))
    failed = FACTS.attempt_failed(0, 2, FailureReason.CONTENT_FILTER)
    ended = running.when(failed).then(failed, FACTS.redo_failed())
    ended.has_state(State.COMPLETED).adds(mail(EmailKind.REDO_FAILED))
    assert ended.order.images[FACTS.image(0)].restored is not None


def test_a_redo_has_as_many_attempts_as_the_first_round() -> None:
    running = given(*FACTS.until_completed(), REDO)
    for attempt in (2, 3):
        failed = FACTS.attempt_failed(0, attempt, prediction=None)
        running = running.when(failed).then(failed).adds(RestoreImage(FACTS.image(0), attempt + 1))
    last = FACTS.attempt_failed(0, 4, prediction=None)
    given_up = FACTS.redo_failed(0, 4, FailureReason.PROVIDER_ERROR)
    running.when(last).then(last, given_up)


def test_what_comes_of_an_attempt_before_the_redo_is_nothing() -> None:
    given(*FACTS.until_completed(), REDO).when(FACTS.restored(0, 1, "orphan")).then_nothing()


def test_a_customer_asks_once_for_each_photo_and_a_person_whenever_they_like() -> None:
    once = (REDO, FACTS.started(0, 2), FACTS.restored(0, 2), FACTS.prepared(edition=2, sequence=2))
    redone = given(*FACTS.until_completed(), *once)
    redone.when(REDO).then_refused(RedoRefusedError, image_id=FACTS.image(0))
    redone.when(FACTS.redo(1)).then(FACTS.redo(1))
    redone.when(FACTS.redo(by_customer=False)).then(FACTS.redo(by_customer=False))


def test_a_redo_that_is_going_on_is_not_asked_for_twice() -> None:
    given(*FACTS.until_completed(), REDO).when(REDO).then_nothing()


def test_only_what_has_a_result_is_redone_and_only_while_the_photos_are_there() -> None:
    given(*FACTS.until_delivered()).when(FACTS.redo(1)).then_refused(RedoRefusedError)
    given(*FACTS.until_completed(), FACTS.purged()).when(REDO).then_refused(RedoRefusedError)
    given(*FACTS.until_restoring()).when(REDO).then_refused(IllegalMoveError, state="restoring")


def test_a_full_refund_stops_a_redo() -> None:
    running = given(*FACTS.until_completed(), REDO, FACTS.started(0, 2), FACTS.refund_requested(980))
    running.has_state(State.REFUNDING)
    assert CancelPrediction("prediction-0-2") in pending_reactions(running.order)
    running.when(FACTS.restored(0, 2)).then_nothing()


def test_a_new_link_opens_the_newest_archive_and_is_mailed() -> None:
    issued = completed().when(FACTS.link_issued()).then(FACTS.link_issued()).adds(mail(EmailKind.NEW_LINK))
    first, second = issued.order.links.values()
    assert second.archive == first.archive
    assert issued.order.newest_link == second
    issued.when(FACTS.link_issued()).then_nothing()


def test_a_mail_that_is_still_to_go_out_carries_a_new_link_unless_a_person_issued_it() -> None:
    ready = given(*FACTS.until_ready())
    ready.when(FACTS.link_issued()).then(FACTS.link_issued()).adds()
    unconfirmed = given(*FACTS.until_ready(), FACTS.unconfirmed(EmailKind.PARTIAL_RESULT))
    unconfirmed.when(FACTS.link_issued()).then(FACTS.link_issued()).adds()
    by_a_person = replace(FACTS.link_issued(), note_id=NoteId(UUID(int=1)))
    ready.when(by_a_person).then(by_a_person).adds(mail(EmailKind.NEW_LINK))


def test_a_revoked_link_opens_nothing_and_an_unknown_one_cannot_be_revoked() -> None:
    two = given(*FACTS.until_completed(), FACTS.link_issued())
    revoked = two.when(FACTS.link_revoked()).then(FACTS.link_revoked())
    assert [link.is_revoked for link in revoked.order.links.values()] == [True, False]
    revoked.when(FACTS.link_revoked()).then_nothing()
    revoked.when(FACTS.downloaded()).then_nothing()
    completed().when(FACTS.link_revoked(9)).then_refused(UnknownDownloadLinkError)


def test_the_last_link_is_not_revoked_while_the_photos_are_the_customers() -> None:
    completed().when(FACTS.link_revoked()).then_refused(LastDownloadLinkError)
    stopped = given(*FACTS.until_completed(), FACTS.refund_requested(980)).has_state(State.REFUNDING)
    stopped.when(FACTS.link_revoked()).then(FACTS.link_revoked())


def test_there_is_no_link_to_photos_that_are_gone_or_not_there_yet() -> None:
    purged = given(*FACTS.until_completed(), FACTS.purged())
    purged.when(FACTS.link_issued()).then_refused(NothingToSendError)
    given(*FACTS.until_settled()).when(FACTS.link_issued()).then_refused(IllegalMoveError, state="settled")


def test_a_mail_that_is_asked_for_again_is_another_mail() -> None:
    again = FACTS.email_requested(EmailKind.RESULT)
    asked = completed().when(again).then(again).adds(mail(EmailKind.RESULT, 2))
    asked.when(FACTS.email_requested(EmailKind.RESULT, 3)).then_nothing()


@pytest.mark.parametrize("kind", [EmailKind.RESULT, EmailKind.REFUND, EmailKind.FAILURE, EmailKind.REMINDER])
def test_no_mail_reports_what_has_not_happened(kind: EmailKind) -> None:
    given(*FACTS.until_restoring()).when(FACTS.email_requested(kind)).then_refused(NothingToSendError)


def test_a_result_that_comes_back_opens_the_order_again_for_a_person() -> None:
    bounced = FACTS.bounced(EmailKind.RESULT)
    held = FACTS.held(HoldReason.EMAIL_BOUNCED)
    waiting = completed().when(bounced).then(bounced, held).has_state(State.READY).needs()
    released = waiting.when(FACTS.released()).then(FACTS.released()).adds(mail(EmailKind.RESULT, 2))
    arrived = FACTS.sent(EmailKind.RESULT, sequence=2)
    released.when(arrived).then(arrived).has_state(State.COMPLETED).needs()


def test_a_bounce_after_the_photos_were_fetched_is_on_record_and_no_more() -> None:
    fetched = given(*FACTS.until_completed(), FACTS.downloaded())
    bounced = FACTS.bounced(EmailKind.RESULT)
    fetched.when(bounced).then(bounced).has_state(State.COMPLETED)


@pytest.mark.parametrize(
    ("sent_meanwhile", "kind", "sequence"),
    [
        (FACTS.email_requested(EmailKind.RESULT), EmailKind.RESULT, 2),
        (FACTS.link_issued(), EmailKind.NEW_LINK, 1),
    ],
    ids=["the mail again", "a new link"],
)
def test_what_came_back_is_not_sent_once_more_beside_what_a_person_has_sent_in_its_place(
    sent_meanwhile: e.Event, kind: EmailKind, sequence: int
) -> None:
    bounced = (FACTS.bounced(EmailKind.RESULT), FACTS.held(HoldReason.EMAIL_BOUNCED))
    mended = given(*FACTS.until_completed(), *bounced, sent_meanwhile, FACTS.released())
    mended.needs(SendEmail(FACTS.email(kind, sequence), kind, 1))


def test_a_bounced_confirmation_holds_nothing_up() -> None:
    bounced = FACTS.bounced(EmailKind.CONFIRMATION)
    given(*FACTS.until_restoring()).when(bounced).then(bounced).has_state(State.RESTORING)


def test_a_bounce_is_recorded_once_and_a_later_acceptance_is_ignored() -> None:
    waiting = given(*FACTS.until_completed(), FACTS.bounced(EmailKind.RESULT))
    waiting.when(FACTS.bounced(EmailKind.RESULT)).then_nothing()
    waiting.when(FACTS.sent(EmailKind.RESULT)).then_nothing()


def test_a_redo_is_not_kept_waiting_by_an_attempt_of_one_that_was_given_up() -> None:
    """A lost prediction may report itself after its redo was given up."""
    given_up = (FACTS.redo(0), FACTS.started(0, 2), FACTS.redo_failed(0))
    again = given(*FACTS.until_completed(), *given_up).when(FACTS.redo(0, by_customer=False))
    again.then(FACTS.redo(0, by_customer=False)).adds(RestoreImage(FACTS.image(0), 3))


def test_a_customer_may_ask_for_another_attempt_only_at_what_was_sent() -> None:
    soon, now = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)

    def why(order: Order, until: datetime | None) -> RedoObstacle | None:
        return why_no_redo(order, order.images[FACTS.image(0)], Limits(), until, now)

    ready, delivered = given(*FACTS.until_ready()).order, given(*FACTS.until_completed()).order
    restoring = given(*FACTS.until_restoring()).order
    assert (ready.state, why(ready, soon)) == (State.READY, RedoObstacle.NOT_SENT)
    assert why(restoring, soon) is RedoObstacle.NOT_SENT
    assert why(delivered, None) is RedoObstacle.NOT_SENT
    assert (why(delivered, soon), why(delivered, now)) == (None, RedoObstacle.TOO_LATE)


def test_a_redo_whose_result_is_lost_and_cannot_be_made_again_leaves_the_earlier_result() -> None:
    first = FACTS.restored(0).restored
    second = FACTS.restored(0, 2)
    order = given(
        *FACTS.until_completed(),
        FACTS.redo(0),
        FACTS.started(0, 2),
        replace(second, restored=stored(f"uploads/restored/{second.prediction_id}")),
        FACTS.attempt_failed(0, 2, reason=FailureReason.RESULT_LOST),
        FACTS.redo_failed(0, attempts=3),
    ).order
    image = order.images[FACTS.image(0)]
    assert (image.restored, image.earlier) == (first, ())
    assert order.has_current_archive
    assert order.count_of(EmailKind.REDO_FAILED) == 1


def test_a_redo_that_fails_keeps_a_result_that_is_there() -> None:
    order = given(
        *FACTS.until_completed(),
        FACTS.redo(0),
        FACTS.started(0, 2),
        FACTS.restored(0, 2),
        FACTS.prepared(edition=2),
        FACTS.redo(0),
        FACTS.started(0, 3),
        FACTS.redo_failed(0, attempts=3),
    ).order
    image = order.images[FACTS.image(0)]
    assert (image.restored, len(image.earlier)) == (FACTS.restored(0, 2).restored, 1)
