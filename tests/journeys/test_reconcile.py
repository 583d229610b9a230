"""`restoreclick reconcile` applies lost webhooks, and reports missing and stray objects."""

import io
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

from minio import Minio

from domain.order.values import OrderId
from sandbox.demo.http_customer import Customer
from tests.entrypoints.support.shell import Answer
from tests.journeys.outcomes import completes_with_two_mails, findings
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually


def about(order_id: str, answer: Answer) -> list[tuple[str, bool]]:
    return [(each["what"], each["is_healed"]) for each in findings(answer) if each["order_id"] == order_id]


def paid_in_silence(running_shop: RunningShop, photo: Path) -> tuple[Customer, OrderId]:
    """A customer who paid, with the payment's webhook lost."""
    is_lost = running_shop.misbehave("stripe", {"on": "webhook:checkout.session.completed", "do": "never"})
    customer = running_shop.customer()
    customer.open_session()
    customer.send(photo, "wedding.jpg")
    customer.pay(customer.ask_for_checkout()["url"])
    eventually(is_lost, "the webhook that is lost")
    session = running_shop.ledger("stripe")["checkout.session"][-1]
    return customer, OrderId(UUID(session["metadata"]["order_id"]))


def test_an_order_whose_webhook_was_lost_is_made_complete(
    running_shop: RunningShop, photo: Path, reconcile: Callable[..., Answer]
) -> None:
    customer, order_id = paid_in_silence(running_shop, photo)
    assert ("notice_lost", False) in about(str(order_id), reconcile("--json"))
    assert customer.order_id() is None
    assert ("notice_lost", True) in about(str(order_id), reconcile("--fix", "--json"))
    completes_with_two_mails(running_shop, customer, order_id, restored=1)
    eventually(lambda: about(str(order_id), reconcile("--json")) == [], "records that agree about it")


def test_a_missing_object_is_reported_and_an_unreferenced_upload_is_kept(
    running_shop: RunningShop, photo: Path, storage: Minio, reconcile: Callable[..., Answer]
) -> None:
    customer, order_id = running_shop.buy(photo)
    completes_with_two_mails(running_shop, customer, order_id, restored=1)
    bucket = running_shop.shop.environment["S3_BUCKET"]
    (image,) = running_shop.order(order_id).images.values()
    assert image.original is not None
    with closing(storage.get_object(bucket, image.original.key)) as answer:
        original = answer.read()
        answer.release_conn()
    stray = f"uploads/temp/{uuid4()}/{uuid4()}"
    storage.put_object(bucket, stray, io.BytesIO(b"whose?"), 6)
    storage.remove_object(bucket, image.original.key)
    try:
        reported = findings(reconcile("--fix", "--json"))
    finally:
        storage.put_object(bucket, image.original.key, io.BytesIO(original), len(original))
    assert ("object_missing", image.original.key, False) in {
        (each["what"], each["subject"], each["is_healed"]) for each in reported
    }
    assert ("unknown_upload", stray, False) in {
        (each["what"], each["subject"], each["is_healed"]) for each in reported
    }
    assert [found.object_name for found in storage.list_objects(bucket, prefix=stray)] == [stray]
    storage.remove_object(bucket, stray)
