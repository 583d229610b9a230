"""Feedback on accepted mails: deferred, blocked, or opted out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.order import events as e
from domain.order.customer_request_limits import needs_reminder
from domain.order.decide_delivery import MAX_BLOCKED
from domain.order.email import EmailStatus
from domain.order.limits import Limits
from domain.order.reactions import SendEmail, reactions_to
from domain.order.states import State
from domain.order.values import EmailKind, HoldReason, OptOut
from tests.domain.support.event_builders import PAID_AT, Facts
from tests.domain.support.given_when_then import given

FACTS = Facts()
RESULT = EmailKind.RESULT
PACE = Limits()


def test_a_mail_that_is_put_off_is_still_on_its_way() -> None:
    order = given(*FACTS.until_completed())
    deferred = order.when(FACTS.deferred(RESULT)).then(FACTS.deferred(RESULT))
    deferred.has_state(State.COMPLETED).adds()
    assert deferred.order.emails[FACTS.email(RESULT)].status is EmailStatus.SENT
    again = given(*FACTS.until_completed(), FACTS.deferred(RESULT))
    again.when(FACTS.deferred(RESULT)).then_nothing()


def test_a_blocked_mail_is_resent_once_without_a_corrected_address() -> None:
    blocked = given(*FACTS.until_completed()).when(FACTS.blocked(RESULT)).then(FACTS.blocked(RESULT))
    blocked.has_state(State.READY).adds(SendEmail(FACTS.email(RESULT, 2), RESULT, 1))
    assert not blocked.order.is_held


def test_the_wait_before_a_blocked_mail_is_sent_anew_doubles() -> None:
    waits = []
    history: tuple[e.Event, ...] = FACTS.until_completed()
    for sequence in range(1, MAX_BLOCKED + 1):
        before = given(*history).order
        history = (*history, FACTS.blocked(RESULT, sequence))
        waits += [due.delay for due in reactions_to(before, given(*history).order, PACE)]
        history = (*history, FACTS.sent(RESULT, sequence=sequence + 1))
    assert waits == [timedelta(hours=1), timedelta(hours=2), timedelta(hours=4)]
    last = given(*history).when(FACTS.blocked(RESULT, MAX_BLOCKED + 1))
    bounced = replace(FACTS.bounced(RESULT, MAX_BLOCKED + 1), reason="bounce blocked 5.7.1")
    last.then(bounced, FACTS.held(HoldReason.EMAIL_BOUNCED))


def test_a_mail_is_blocked_once() -> None:
    blocked = given(*FACTS.until_completed(), FACTS.blocked(RESULT))
    blocked.when(FACTS.blocked(RESULT)).then_nothing()
    blocked.when(FACTS.bounced(RESULT)).then_nothing()


def test_a_blocked_mail_brings_no_second_one_while_another_link_is_on_its_way() -> None:
    asked = given(*FACTS.until_completed(), FACTS.email_requested(RESULT))
    asked.when(FACTS.blocked(RESULT)).then(FACTS.blocked(RESULT)).adds()


def test_no_link_to_purged_photos_is_sent_anew() -> None:
    purged = given(*FACTS.until_completed(), FACTS.purged())
    purged.when(FACTS.blocked(RESULT)).then_nothing()


@pytest.mark.parametrize("how", OptOut)
def test_a_customer_who_wants_no_more_mail_is_not_reminded_and_has_the_result(how: OptOut) -> None:
    order = given(*FACTS.until_completed())
    link = order.order.newest_link
    assert link is not None
    shortly_before = link.expires_at - timedelta(days=1)
    assert shortly_before > PAID_AT
    assert needs_reminder(order.order, link.link_id, shortly_before)
    opted_out = order.when(FACTS.opted_out(RESULT, how)).then(FACTS.opted_out(RESULT, how))
    opted_out.has_state(State.COMPLETED).adds()
    assert opted_out.order.result_is_sent
    assert not needs_reminder(opted_out.order, link.link_id, shortly_before)
    again = given(*FACTS.until_completed(), FACTS.opted_out(RESULT, how))
    again.when(FACTS.opted_out(RESULT, OptOut.SPAM_REPORT)).then_nothing()


@pytest.mark.parametrize("stopped", [FACTS.disputed(), FACTS.held()])
def test_no_reminder_is_due_while_an_order_is_disputed_or_held(stopped: e.Event) -> None:
    order = given(*FACTS.until_completed(), stopped).order
    link = order.newest_link
    assert link is not None
    assert not needs_reminder(order, link.link_id, link.expires_at - timedelta(days=1))


def test_feedback_on_a_mail_of_another_order_is_nothing() -> None:
    order = given(*FACTS.until_completed())
    for proposed in (
        FACTS.deferred(EmailKind.REFUND),
        FACTS.blocked(EmailKind.REFUND),
        FACTS.opted_out(EmailKind.REFUND),
    ):
        order.when(proposed).then_nothing()
