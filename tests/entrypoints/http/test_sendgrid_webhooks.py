"""SendGrid's batches of webhook events.

Foreign events are ignored; events without our ids are matched by message id.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from domain.order import events as e
from domain.order.email import Email
from domain.order.values import EmailKind, HoldReason, OptOut, OrderId
from domain.ports.errors import UnavailableError
from domain.use_cases.support.attention_items import AttentionKind
from domain.use_cases.support.attention_list import AttentionList
from domain.use_cases.support.staff_requests import StaffRequest
from tests.entrypoints.support.http_fixtures import PORTRAIT, ApiClient, assert_problem

CASES = Path(__file__).parents[2] / "cases"


def batch_of(case: str, api: ApiClient, order_id: OrderId) -> list[dict[str, Any]]:
    """The case's batch, with the ids and time of a sent e-mail."""
    email = result_of(api, order_id)
    assert email.message_id is not None
    text = (CASES / case / "batch.json").read_text()
    for placeholder, value in (
        ("MESSAGE_ID", email.message_id),
        ("EMAIL_ID", str(email.email_id)),
        ("ORDER_ID", str(order_id)),
    ):
        text = text.replace(placeholder, value)
    now = int(api.shop.clock.now().timestamp())
    return [{**event, "timestamp": now} for event in json.loads(text)]


def result_of(api: ApiClient, order_id: OrderId) -> Email:
    emails = api.shop.order(order_id).emails.values()
    return next(email for email in emails if email.kind is EmailKind.RESULT)


def late(api: ApiClient, order_id: OrderId, **fields: Any) -> list[dict[str, Any]]:
    """An event about the result e-mail, without its custom arguments."""
    message_id = result_of(api, order_id).message_id
    return [{"timestamp": 1773500966, "sg_message_id": f"{message_id}.recvd-x-1-A-0.0", **fields}]


@pytest.mark.parametrize("case", ["sendgrid-foreign-number", "sendgrid-bounce-without-arguments"])
def test_a_bounce_in_such_a_batch_counts(api: ApiClient, case: str) -> None:
    order_id = api.shop.delivered()
    assert api.post_from_sendgrid(batch_of(case, api, order_id)).status_code == 200
    assert api.shop.order(order_id).hold is HoldReason.EMAIL_BOUNCED
    bounced = next(event for event in api.shop.events(order_id) if isinstance(event, e.EmailBounced))
    assert bounced.reason == "bounce 5.1.1"


def test_a_late_bounce_counts_once_however_often_it_comes(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    batch = batch_of("sendgrid-bounce-without-arguments", api, order_id)
    for _ in range(2):
        assert api.post_from_sendgrid(batch).status_code == 200
    assert sum(isinstance(event, e.EmailBounced) for event in api.shop.events(order_id)) == 1
    assert not api.shop.own_unit_of_work.pages.conflicts


def test_a_bounce_of_a_message_that_is_not_ours_changes_nothing(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    before = api.shop.events(order_id)
    foreign = [{"event": "bounce", "timestamp": 1, "sg_message_id": "newsletter.recvd-x-1-A-0.0"}]
    assert api.post_from_sendgrid(foreign).status_code == 200
    assert api.shop.events(order_id) == before


def test_a_blocked_mail_is_sent_once_more_within_hours(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    api.post_from_sendgrid(late(api, order_id, event="bounce", type="blocked", status="5.7.1"))
    order = api.shop.order(order_id)
    assert not order.is_held
    sent = len(api.shop.mailer.mailbox)
    api.shop.pass_time(minutes=59)
    api.shop.work()
    assert len(api.shop.mailer.mailbox) == sent
    api.shop.pass_time(minutes=2)
    api.shop.work()
    assert len(api.shop.mailer.mailbox) == sent + 1
    assert api.shop.order(order_id).result_is_sent


@pytest.mark.parametrize(
    ("event", "how"),
    [
        ("spamreport", OptOut.SPAM_REPORT),
        ("unsubscribe", OptOut.UNSUBSCRIBED),
        ("group_unsubscribe", OptOut.GROUP_UNSUBSCRIBED),
    ],
)
def test_an_opt_out_is_listed_until_a_note(api: ApiClient, event: str, how: OptOut) -> None:
    order_id = api.shop.delivered()
    assert api.post_from_sendgrid(late(api, order_id, event=event)).status_code == 200
    assert result_of(api, order_id).opt_out is how
    attention = AttentionList(unit_of_work=api.shop.unit_of_work)
    assert [each.kind for each in attention.items()] == [AttentionKind.MAIL_OPTED_OUT]
    api.shop.clock.advance(minutes=1)
    api.shop.staff_actions.note(order_id, StaffRequest(actor="person:ada", reason="Wrote to the customer."))
    assert attention.items() == []


def test_an_opt_out_in_one_order_stops_the_reminders_of_the_customers_others(api: ApiClient) -> None:
    first, second = api.shop.delivered(), api.shop.delivered()
    anothers = api.shop.pay(api.shop.upload(PORTRAIT), email="bruno@customers.example")
    api.shop.live(anothers)
    api.post_from_sendgrid(late(api, first, event="unsubscribe"))
    link = api.shop.order(anothers).newest_link
    assert link is not None
    api.shop.clock.advance(seconds=(link.expires_at - api.shop.clock.now()).total_seconds() - 43200)
    assert api.shop.link_reminders.remind() == 1
    reminded = [
        order_id
        for order_id in (first, second, anothers)
        if api.shop.order(order_id).count_of(EmailKind.REMINDER)
    ]
    assert reminded == [anothers]


def test_a_deferral_is_on_record_and_changes_nothing_else(api: ApiClient) -> None:
    order_id = api.shop.delivered()
    before = api.shop.order(order_id)
    api.post_from_sendgrid(late(api, order_id, event="deferred", status="4.7.1"))
    assert isinstance(api.shop.events(order_id)[-1], e.EmailDeferred)
    assert api.shop.order(order_id).state is before.state


def test_one_unrecordable_webhook_event_does_not_block_the_others(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = api.shop.delivered(), api.shop.delivered()
    preview = api.shop.command_handler.preview

    def failing(order: Any, *rest: Any, **more: Any) -> Any:
        if order.order_id == bad:
            raise ValueError("a defect of ours")
        return preview(order, *rest, **more)

    batch = [
        *batch_of("sendgrid-bounce-without-arguments", api, bad),
        *batch_of("sendgrid-bounce-without-arguments", api, good),
    ]
    with monkeypatch.context() as defect:
        defect.setattr(api.shop.command_handler, "preview", failing)
        assert api.post_from_sendgrid(batch).status_code == 500
        assert api.shop.order(good).hold is HoldReason.EMAIL_BOUNCED
    assert api.post_from_sendgrid(batch).status_code == 200
    assert api.shop.order(bad).hold is HoldReason.EMAIL_BOUNCED


def test_a_batch_ends_with_the_first_outage(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = api.shop.delivered()
    calls = []

    def unavailable(*_: object, **__: object) -> None:
        calls.append(1)
        raise UnavailableError("PostgreSQL", "it restarts")

    monkeypatch.setattr(api.shop.command_handler, "preview", unavailable)
    batch = batch_of("sendgrid-bounce-without-arguments", api, order_id) * 3
    assert_problem(api.post_from_sendgrid(batch), 503, "unavailable")
    assert len(calls) == 1
