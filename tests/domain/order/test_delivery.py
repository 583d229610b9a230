"""Delivery of results: an archive, a link, and mails sent once each."""

from datetime import timedelta

import pytest

from domain.order.email import EmailStatus
from domain.order.limits import Limits
from domain.order.reactions import PrepareDownload, SendEmail, reactions_to
from domain.order.states import State
from domain.order.values import EmailKind, HoldReason
from tests.domain.support.event_builders import PAID_AT, Facts
from tests.domain.support.given_when_then import given

FACTS = Facts()
RESULT = EmailKind.RESULT
CONFIRMATION = EmailKind.CONFIRMATION


def mail(kind: EmailKind, attempt: int = 1) -> SendEmail:
    return SendEmail(FACTS.email(kind), kind, attempt)


def test_a_prepared_download_is_mailed_as_a_link() -> None:
    after = given(*FACTS.until_settled()).when(FACTS.prepared()).then(FACTS.prepared()).has_state(State.READY)
    after.adds(mail(RESULT))
    link = after.order.newest_link
    assert link is not None
    assert link.expires_at == PAID_AT + timedelta(days=30)


def test_a_settled_order_needs_its_download_and_its_confirmation() -> None:
    given(*FACTS.until_settled()).has_state(State.SETTLED).needs(PrepareDownload(), mail(CONFIRMATION))


def test_a_download_is_prepared_once() -> None:
    given(*FACTS.until_ready()).when(FACTS.prepared()).then_nothing()


def test_a_download_is_not_prepared_before_every_image_is_settled() -> None:
    given(*FACTS.until_restoring()).when(FACTS.prepared()).then_nothing()


def test_an_archive_with_a_photo_that_failed_is_not_recorded() -> None:
    partly = given(*FACTS.until_restoring(), FACTS.restored(0), FACTS.failed(1))
    partly.when(FACTS.prepared(0, 1)).then_nothing()
    partly.when(FACTS.prepared(0)).then(FACTS.prepared(0))


def test_an_order_without_a_link_has_no_newest_one() -> None:
    assert given(FACTS.paid()).order.newest_link is None


def test_with_its_result_sent_an_order_is_complete() -> None:
    ready = given(*FACTS.until_ready(), FACTS.sent(CONFIRMATION))
    ready.when(FACTS.sent(RESULT)).then(FACTS.sent(RESULT)).has_state(State.COMPLETED).needs()


def test_with_money_still_owed_a_delivered_order_is_not_complete() -> None:
    given(*FACTS.until_delivered()).has_state(State.DELIVERED)


def test_a_confirmation_completes_nothing() -> None:
    ready = given(*FACTS.until_ready())
    ready.when(FACTS.sent(CONFIRMATION)).then(FACTS.sent(CONFIRMATION)).has_state(State.READY)


@pytest.mark.parametrize("proposed", [FACTS.sent(CONFIRMATION), FACTS.email_failed(CONFIRMATION)])
def test_a_report_about_a_sent_mail_is_ignored(proposed: object) -> None:
    given(FACTS.paid(), FACTS.sent(CONFIRMATION)).when(proposed).then_nothing()  # type: ignore[arg-type]


def test_a_report_about_an_unexpected_mail_is_ignored() -> None:
    given(FACTS.paid()).when(FACTS.sent(RESULT)).then_nothing()


def test_a_report_about_an_erased_customers_mail_is_ignored() -> None:
    erased = given(*FACTS.until_refunded(), FACTS.erased()).has_state(State.ERASED)
    erased.when(FACTS.sent(CONFIRMATION)).then_nothing()


def test_an_unconfirmed_mail_is_sent_once_more_after_a_while() -> None:
    proposed = FACTS.unconfirmed(RESULT)
    after = (
        given(*FACTS.until_ready()).when(proposed).then(proposed).has_state(State.READY).adds(mail(RESULT, 2))
    )
    pace = Limits(email_confirmation=timedelta(minutes=7))
    assert [due.delay for due in reactions_to(after.before, after.order, pace)] == [timedelta(minutes=7)]


def test_a_confirmed_mail_is_not_sent_once_more() -> None:
    unconfirmed = given(*FACTS.until_ready(), FACTS.sent(CONFIRMATION), FACTS.unconfirmed(RESULT))
    confirmed = FACTS.sent(RESULT, message_id=None)
    unconfirmed.when(confirmed).then(confirmed).has_state(State.COMPLETED).needs()


def test_a_mail_that_is_unconfirmed_twice_has_failed_and_holds_the_order() -> None:
    twice = given(*FACTS.until_ready(), FACTS.unconfirmed(RESULT)).when(FACTS.unconfirmed(RESULT))
    failed = FACTS.email_failed(RESULT, "The provider's answer was lost twice.")
    twice.then(failed, FACTS.held(HoldReason.EMAIL_NOT_SENT))


def test_a_result_that_cannot_be_mailed_holds_the_order() -> None:
    proposed = FACTS.email_failed(RESULT)
    given(*FACTS.until_ready()).when(proposed).then(proposed, FACTS.held(HoldReason.EMAIL_NOT_SENT))


def test_a_result_that_cannot_be_mailed_does_not_hold_an_order_twice() -> None:
    proposed = FACTS.email_failed(RESULT)
    given(*FACTS.until_ready(), FACTS.held()).when(proposed).then(proposed)


def test_a_confirmation_that_cannot_be_mailed_stops_nothing() -> None:
    proposed = FACTS.email_failed(CONFIRMATION)
    after = given(FACTS.paid()).when(proposed).then(proposed)
    assert not after.order.is_held


def test_a_repeated_email_failure_is_nothing_new() -> None:
    failed = given(FACTS.paid(), FACTS.email_failed(CONFIRMATION))
    failed.when(FACTS.email_failed(CONFIRMATION)).then_nothing()
    failed.when(FACTS.unconfirmed(CONFIRMATION)).then_nothing()


def test_a_mail_that_was_given_up_may_turn_out_to_have_been_sent() -> None:
    given_up = given(*FACTS.until_ready(), FACTS.email_failed(RESULT))
    given_up.when(FACTS.sent(RESULT)).then(FACTS.sent(RESULT)).has_state(State.COMPLETED)


def test_a_release_sends_a_failed_mail_afresh_under_a_new_attempt() -> None:
    stuck = given(*FACTS.until_ready(), FACTS.email_failed(RESULT), FACTS.held(HoldReason.EMAIL_NOT_SENT))
    after = stuck.when(FACTS.released()).then(FACTS.released()).adds(mail(RESULT, 2))
    assert after.order.emails[FACTS.email(RESULT)].status is EmailStatus.DUE


def test_only_the_first_time_each_thing_is_fetched_goes_on_record() -> None:
    completed = given(*FACTS.until_completed())
    completed.when(FACTS.downloaded()).then(FACTS.downloaded()).has_state(State.COMPLETED)
    fetched = given(*FACTS.until_completed(), FACTS.downloaded())
    fetched.when(FACTS.downloaded()).then_nothing()
    one_image = FACTS.downloaded(FACTS.image(1))
    fetched.when(one_image).then(one_image)


def test_a_link_that_is_opened_before_its_mail_is_known_to_be_sent_has_arrived() -> None:
    given(*FACTS.until_ready()).when(FACTS.downloaded()).then(FACTS.downloaded()).has_state(State.COMPLETED)


def test_what_a_scanner_was_sent_completes_no_order() -> None:
    ready = given(*FACTS.until_ready())
    after = ready.when(FACTS.served()).then(FACTS.served()).has_state(State.READY)
    assert not after.order.is_fetched
    after.when(FACTS.served()).then_nothing()
    one_image = FACTS.served(FACTS.image(1))
    after.when(one_image).then(one_image).has_state(State.READY)


def test_a_mail_that_comes_back_holds_an_order_of_which_a_scanner_was_sent_everything() -> None:
    scanned = (FACTS.served(), FACTS.served(FACTS.image(0)), FACTS.served(FACTS.image(1)))
    bounced, held = FACTS.bounced(RESULT), FACTS.held(HoldReason.EMAIL_BOUNCED)
    given(*FACTS.until_completed(), *scanned).when(bounced).then(bounced, held).has_state(State.READY)


def test_a_mail_that_comes_back_after_the_customer_fetched_something_holds_nothing() -> None:
    bounced = FACTS.bounced(RESULT)
    fetched = given(*FACTS.until_completed(), FACTS.served(), FACTS.downloaded(FACTS.image(1)))
    fetched.when(bounced).then(bounced).has_state(State.COMPLETED)


def test_an_order_whose_mail_came_back_is_complete_once_the_customer_pressed_the_button() -> None:
    bounced = (FACTS.bounced(RESULT), FACTS.held(HoldReason.EMAIL_BOUNCED))
    stuck = given(*FACTS.until_completed(), *bounced).has_state(State.READY)
    stuck.when(FACTS.served()).then(FACTS.served()).has_state(State.READY)
    stuck.when(FACTS.downloaded()).then(FACTS.downloaded()).has_state(State.COMPLETED)


def test_a_forgotten_customer_downloads_nothing() -> None:
    erased = given(*FACTS.until_completed(), FACTS.erased())
    erased.when(FACTS.downloaded()).then_nothing()
    erased.when(FACTS.served()).then_nothing()


def test_a_link_of_another_order_opens_nothing() -> None:
    for fact in (FACTS.downloaded(), FACTS.served()):
        given(FACTS.paid()).when(fact).then_nothing()
        given().when(fact).then_nothing()


def test_a_mail_that_comes_back_when_its_photos_are_gone_changes_nothing() -> None:
    purged = given(*FACTS.until_completed(), FACTS.purged())
    purged.when(FACTS.bounced(EmailKind.RESULT)).then_nothing()
    purged.when(FACTS.bounced(EmailKind.CONFIRMATION)).then(FACTS.bounced(EmailKind.CONFIRMATION))


def test_a_release_sends_no_link_to_photos_that_are_gone() -> None:
    again = (FACTS.email_requested(EmailKind.RESULT), FACTS.sent(EmailKind.RESULT, sequence=2))
    bounced = (*FACTS.until_completed(), *again, FACTS.bounced(EmailKind.RESULT))
    held = given(*bounced, FACTS.purged(), FACTS.held())
    held.when(FACTS.released()).then(FACTS.released()).adds()


def test_a_reminder_that_comes_back_in_place_of_the_result_is_sent_anew_on_release() -> None:
    bounced = (FACTS.bounced(EmailKind.RESULT), FACTS.held(HoldReason.EMAIL_BOUNCED))
    reminded = (
        FACTS.email_requested(EmailKind.REMINDER, 1),
        FACTS.released(),
        FACTS.bounced(EmailKind.REMINDER),
    )
    order = given(*FACTS.until_completed(), *bounced, *reminded, FACTS.held(HoldReason.EMAIL_BOUNCED))
    another = SendEmail(FACTS.email(EmailKind.REMINDER, 2), EmailKind.REMINDER, 1)
    order.when(FACTS.released()).then(FACTS.released()).has_state(State.READY).needs(another)
