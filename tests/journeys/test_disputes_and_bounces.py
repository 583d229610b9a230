"""Disputes, dashboard refunds, bounces and staff actions during or after an order."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from domain.order import events as e
from domain.order.email import EmailStatus
from domain.order.states import State
from domain.order.values import EmailKind, HoldReason, OrderId
from domain.use_cases.order_transaction import Cause
from entrypoints.bootstrap.adapters import open_container
from entrypoints.settings import read_settings
from tests.journeys.model_refusals import SECOND
from tests.journeys.outcomes import completes_with_two_mails
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

Say = Callable[[OrderId, e.Event], object]


@pytest.fixture
def grace_says(running_shop: RunningShop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Say]:
    """A staff member who uses a second container on the same database."""
    for name, value in running_shop.shop.environment.items():
        monkeypatch.setenv(name, value)
    with open_container(read_settings()) as shop:

        def say(order_id: OrderId, proposed: e.Event) -> object:
            key = uuid4()
            cause = Cause(name="desk", key=f"desk:{key}", actor="person:grace", correlation_id=key)
            return shop.command_handler.handle(order_id, [proposed], cause)

        yield say


def test_a_dispute_pauses_delivery_and_once_it_is_won_the_order_goes_on(
    running_shop: RunningShop, photo: Path
) -> None:
    with running_shop.worker_asleep():
        customer, order_id = running_shop.buy(photo, photo)
        dispute = running_shop.act_at_provider(
            "stripe", "disputes", {"payment_intent": running_shop.payment_intent(order_id)}
        )
        running_shop.waits_for("DisputeOpened", order_id)
    eventually(lambda: running_shop.order(order_id).state is State.SETTLED, "the settled order")
    running_shop.expedite(order_id)
    assert running_shop.order(order_id).is_disputed
    assert "DownloadPrepared" not in running_shop.event_names(order_id)
    assert [mail["subject"] for mail in customer.mails() if customer.link_in(mail)] == []
    running_shop.act_at_provider("stripe", f"disputes/{dispute['id']}/close", {"status": "won"})
    completes_with_two_mails(running_shop, customer, order_id)


def test_a_full_refund_in_the_dashboard_stops_predictions_and_sends_only_its_own_mail(
    running_shop: RunningShop, photo: Path
) -> None:
    running_shop.misbehave("replicate", {"on": "prediction", "do": "never_end", "times": 2})
    customer, order_id = running_shop.buy(photo, photo)
    eventually(
        lambda: running_shop.event_names(order_id).count("RestorationStarted") == 2, "both predictions"
    )
    eventually(lambda: "EmailSent" in running_shop.event_names(order_id), "the confirmation")
    running_shop.act_at_provider(
        "stripe", "refunds", {"payment_intent": running_shop.payment_intent(order_id)}
    )
    eventually(lambda: running_shop.order(order_id).state is State.REFUNDED, "the refunded order")
    running_shop.expedite(order_id)
    predictions = [
        prediction
        for prediction in running_shop.ledger("replicate")["prediction"]
        if str(order_id) in prediction["_webhook"]
    ]
    assert [prediction["status"] for prediction in predictions] == ["canceled", "canceled"]
    order = running_shop.order(order_id)
    sent = [mail.kind for mail in order.emails.values() if mail.status is EmailStatus.SENT]
    assert sent == [EmailKind.CONFIRMATION, EmailKind.REFUND]
    assert len(customer.mails()) == 2
    assert (order.refunded_amount, len(order.refunds)) == (980, 1)


def test_a_result_that_bounces_holds_the_order_and_its_release_sends_another_mail(
    running_shop: RunningShop, photo: Path, grace_says: Say
) -> None:
    email = f"{uuid4().hex}@customer.example"
    # The confirmation and the result bounce: what is sent after the release arrives.
    running_shop.misbehave("sendgrid", {"on": f"mail:{email}", "do": "bounce", "times": 2})
    _, order_id = running_shop.buy(photo, email=email)
    eventually(lambda: running_shop.order(order_id).hold is HoldReason.EMAIL_BOUNCED, "the held order")
    grace_says(order_id, e.OrderReleased())
    eventually(lambda: running_shop.order(order_id).state is State.COMPLETED, "the completed order")
    results = [mail for mail in running_shop.order(order_id).emails.values() if mail.kind is EmailKind.RESULT]
    assert [mail.status for mail in results] == [EmailStatus.REPLACED, EmailStatus.SENT]
    accepted = [
        mail["custom_args"]["email_id"]
        for mail in running_shop.ledger("sendgrid")["mail"]
        if mail["to"][0]["email"] == email
    ]
    assert [accepted.count(str(mail.email_id)) for mail in results] == [1, 1]


def test_another_attempt_at_a_delivered_photo_keeps_the_first_result_and_is_mailed(
    running_shop: RunningShop, photo: Path, grace_says: Say
) -> None:
    customer, order_id = running_shop.buy(photo)
    completes_with_two_mails(running_shop, customer, order_id, restored=1)
    (image_id,) = running_shop.order(order_id).images
    grace_says(order_id, e.RedoRequested(image_id=image_id, by_customer=False))
    eventually(lambda: running_shop.event_names(order_id).count("EmailSent") == 3, "the mail about it")
    order = running_shop.order(order_id)
    assert order.state is State.COMPLETED
    first, second = order.images[image_id].attempts.values()
    assert first.model != second.model
    assert SECOND.removeprefix("prediction:") in str(second.model)
    assert [link.edition for link in order.links.values()] == [1, 2]
    assert [mail.kind for mail in order.emails.values()][-1] is EmailKind.REDONE
