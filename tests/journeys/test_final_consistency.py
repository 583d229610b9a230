"""After the journeys: the laws on database, storage and provider ledgers.

The journeys share one shop, so that all their effects are checked here; alone this module buys one order.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from minio import Minio

from domain.order import events as e
from domain.order.evolve import fold
from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.states import TERMINAL
from domain.order.values import ImageId, OrderId, RefundReason, StoredObject
from sandbox.demo.local_shop import LocalShop
from tests.entrypoints.support.shell import Answer
from tests.journeys.outcomes import findings
from tests.journeys.running_shop import RunningShop
from tests.laws import violations
from tests.laws.photos import objects_named_in
from tests.laws.snapshot import Snapshot, whole_stream
from tests.waiting import eventually

pytestmark = pytest.mark.after_journeys

Histories = dict[OrderId, list[e.RecordedEvent]]
#: As in the restorer's ledger.
Prediction = dict[str, Any]

#: The reactions that act at a provider, and what identifies them there.
_WORK_THAT_WRITES = {
    "SendEmail": ("email_id",),
    "IssueRefund": ("refund_id",),
    "RestoreImage": ("image_id", "attempt"),
}


@pytest.fixture(scope="module")
def histories(local_shop: LocalShop, photo: Path) -> Histories:
    """Every order's stream, once all orders are at rest."""
    with RunningShop(local_shop) as running_shop:
        running_shop.buy(photo)

        def at_rest() -> Histories:
            found = running_shop.histories()
            orders = [fold(order_id, history) for order_id, history in found.items()]
            resting = all(order.state in TERMINAL or order.is_held for order in orders)
            return found if resting and not running_shop.open_work() else {}

        return eventually(at_rest, "the rest of all orders")


@pytest.fixture
def orders(histories: Histories) -> list[Order]:
    return [fold(order_id, history) for order_id, history in histories.items()]


def test_the_laws_hold_of_every_stream(histories: Histories) -> None:
    streams = {order_id: whole_stream(order_id, history) for order_id, history in histories.items()}
    assert list(violations(Snapshot(streams=streams))) == []


def test_the_read_models_equal_a_fold_of_the_log(running_shop: RunningShop, histories: Histories) -> None:
    del histories
    before = running_shop.read_models()
    assert list(running_shop.rebuild())
    assert running_shop.read_models() == before


def test_each_payment_belongs_to_one_order_or_is_unmatched(
    running_shop: RunningShop, orders: list[Order]
) -> None:
    taken = {
        intent["id"]
        for intent in running_shop.ledger("stripe")["payment_intent"]
        if intent["amount_received"]
    }
    owned = Counter(order.payment.payment_intent_id for order in orders if order.payment)
    unmatched = running_shop.unmatched_payments()
    assert set(owned) | unmatched == taken
    assert not set(owned) & unmatched
    assert set(owned.values()) == {1}


def test_the_providers_refunds_are_those_of_the_log(running_shop: RunningShop, orders: list[Order]) -> None:
    """Refunds made in the dashboard are recorded as such."""
    refunds = running_shop.ledger("stripe").get("refund", [])
    failed = {
        name
        for order in orders
        for refund in order.refunds.values()
        for name in refund.failed_provider_refund_ids
    }
    assert failed == {refund["id"] for refund in refunds if refund["status"] == "failed"}
    theirs = {
        refund["id"]: (refund["amount"], not refund["metadata"])
        for refund in refunds
        if refund["id"] not in failed
    }
    ours = {
        refund.provider_refund_id: (refund.amount.amount, refund.reason is RefundReason.AT_PROVIDER)
        for order in orders
        for refund in order.refunds.values()
        if refund.status is not RefundStatus.DROPPED
    }
    assert ours == theirs


def test_no_money_is_on_its_way_back_for_ever(orders: list[Order]) -> None:
    owing = [order for order in orders if order.ledger.requested or order.ledger.failed]
    assert [order.order_id for order in owing if not order.is_held] == []


def test_no_provider_was_written_to_without_a_committed_claim(
    running_shop: RunningShop, histories: Histories
) -> None:
    del histories
    claimed = {
        (kind, *(str(arguments[name]) for name in _WORK_THAT_WRITES[kind]))
        for kind, arguments in running_shop.claimed_work()
        if kind in _WORK_THAT_WRITES
    }
    mails = {
        ("SendEmail", mail["custom_args"]["email_id"]) for mail in running_shop.ledger("sendgrid")["mail"]
    }
    refunds = {
        ("IssueRefund", refund["metadata"]["refund_id"])
        for refund in running_shop.ledger("stripe").get("refund", [])
        if refund["metadata"]
    }
    predictions = {
        ("RestoreImage", *_address(prediction)[1:])
        for prediction in running_shop.ledger("replicate")["prediction"]
    }
    assert mails
    assert predictions
    assert mails | refunds | predictions <= claimed


def test_every_object_that_the_log_names_exists_with_its_fingerprint(
    running_shop: RunningShop, storage: Minio, histories: Histories
) -> None:
    named = [stored for history in histories.values() for stored in _stored_objects(history)]
    assert named
    for stored in named:
        with closing(storage.get_object(running_shop.shop.environment["S3_BUCKET"], stored.key)) as answer:
            assert hashlib.sha256(answer.read()).hexdigest() == stored.sha256
            answer.release_conn()


def test_every_object_has_a_name_or_is_the_output_of_a_prediction_that_came_second(
    running_shop: RunningShop, storage: Minio, histories: Histories
) -> None:
    """Repeated writes reuse the keys of originals and archives.

    So nothing but what is recorded can be left there. An output is stored under its prediction. A worker that
    was killed between storing and recording it leaves an orphan if another prediction settled the image
    meanwhile; it stays until the order's photos are purged.
    """
    kept = {
        str(found.object_name)
        for found in storage.list_objects(running_shop.shop.environment["S3_BUCKET"], recursive=True)
    }
    kept = {key for key in kept if not key.startswith(("log/heads/", "trials/"))}
    temporary = {key for key in kept if key.startswith("uploads/temp/")}
    assert {key.split("/")[2] for key in temporary} <= running_shop.upload_sessions()
    named = {stored.key for history in histories.values() for stored in _stored_objects(history)}
    adopted = {
        recorded.event.prediction_id
        for history in histories.values()
        for recorded in history
        if isinstance(recorded.event, e.RestorationCompleted)
    }
    second = {
        f"uploads/restored/{_address(prediction)[0]}/{prediction['id']}"
        for prediction in running_shop.ledger("replicate")["prediction"]
        if prediction["status"] == "succeeded" and prediction["id"] not in adopted
    }
    assert kept - temporary - named <= second


def test_one_email_is_accepted_once_or_its_resend_is_on_record(
    running_shop: RunningShop, histories: Histories
) -> None:
    accepted = Counter(mail["custom_args"]["email_id"] for mail in running_shop.ledger("sendgrid")["mail"])
    recorded = [event.event for history in histories.values() for event in history]
    sent = {str(event.email_id) for event in recorded if isinstance(event, e.EmailSent)}
    flagged = {str(event.email_id) for event in recorded if isinstance(event, e.EmailUnconfirmed)}
    assert set(accepted) == sent
    assert {email_id for email_id, times in accepted.items() if times > 1} <= flagged
    assert max(accepted.values()) <= 2


def test_every_mail_that_came_back_is_on_record_as_such(
    running_shop: RunningShop, histories: Histories
) -> None:
    theirs = {
        mail["custom_args"]["email_id"]
        for mail in running_shop.ledger("sendgrid")["mail"]
        if "bounce" in mail["outcomes"].values()
    }
    recorded = [event.event for history in histories.values() for event in history]
    assert {str(event.email_id) for event in recorded if isinstance(event, e.EmailBounced)} == theirs


def test_no_prediction_runs_for_which_no_order_waits(running_shop: RunningShop, histories: Histories) -> None:
    del histories
    statuses = {prediction["status"] for prediction in running_shop.ledger("replicate")["prediction"]}
    assert statuses <= {"succeeded", "failed", "canceled", "aborted"}


def test_every_prediction_on_record_was_the_restorers(
    running_shop: RunningShop, histories: Histories
) -> None:
    theirs = {prediction["id"] for prediction in running_shop.ledger("replicate")["prediction"]}
    assert _recorded_predictions(histories) <= theirs


def test_every_prediction_that_succeeded_is_on_record_unless_another_settled_its_image(
    running_shop: RunningShop, histories: Histories
) -> None:
    """A start with a lost reply is repeated; the first outcome counts.

    A crash can hide the reply as well.
    """
    orders = {str(order_id): fold(order_id, history) for order_id, history in histories.items()}
    for prediction in _came_second(running_shop, histories):
        order_id, image_id, _ = _address(prediction)
        image = orders[order_id].images[ImageId(UUID(image_id))]
        assert image.is_settled, f"Prediction {prediction['id']} of image {image_id} was not collected."


def test_the_shops_own_comparison_comes_to_the_same(
    histories: Histories, reconcile: Callable[..., Answer]
) -> None:
    """It reports only unused outputs that await the purge, and held orders."""
    del histories
    assert {each["what"] for each in findings(reconcile("--json"))} <= {"stray_object", "order_held"}


def test_a_token_is_nowhere_in_the_database(running_shop: RunningShop, orders: list[Order]) -> None:
    links = [running_shop.download_token(link) for order in orders for link in order.links]
    assert links
    for row in running_shop.everything_stored():
        assert not any(token in row for token in links)


def test_no_personal_data_is_in_the_log(running_shop: RunningShop, histories: Histories) -> None:
    del histories
    log = " ".join(running_shop.rows_as_text("events"))
    assert "@" not in log
    assert re.findall(r"\bAda\b", log) == []  # as a word: the three letters are in some random ids
    assert "harvest" not in log


def _came_second(running_shop: RunningShop, histories: Histories) -> list[Prediction]:
    """The predictions that succeeded and are not recorded."""
    recorded = _recorded_predictions(histories)
    return [
        prediction
        for prediction in running_shop.ledger("replicate")["prediction"]
        if prediction["status"] == "succeeded" and prediction["id"] not in recorded
    ]


def _recorded_predictions(histories: Histories) -> set[str | None]:
    return {
        recorded.event.prediction_id
        for history in histories.values()
        for recorded in history
        if isinstance(
            recorded.event, e.RestorationStarted | e.RestorationCompleted | e.RestorationAttemptFailed
        )
    } - {None}


def _address(prediction: Prediction) -> tuple[str, str, str]:
    """Order, image and attempt, parsed from a prediction's webhook URL."""
    order_id, image_id, attempt, _ = prediction["_webhook"].split("/")[-4:]
    return order_id, image_id, attempt


def _stored_objects(history: list[e.RecordedEvent]) -> Iterator[StoredObject]:
    """The objects that an order's events name, without temporary uploads.

    Housekeeping deletes the temporary uploads. An order whose photos were purged, after the retention or an
    erasure, has none.
    """
    if any(isinstance(recorded.event, e.PhotosPurged | e.OrderErased) for recorded in history):
        return
    yield from objects_named_in(recorded.event for recorded in history)
