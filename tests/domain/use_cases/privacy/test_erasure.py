"""Erasure is complete or does not happen; amounts stay on record."""

import json

import pytest

from adapters.localization.erasure_text import certificate_document
from domain.order import events as e
from domain.order.closure import Obstacle
from domain.order.evolve import fold
from domain.order.states import State
from domain.order.values import HoldReason, Money, OrderId
from domain.ports.errors import UnavailableError
from domain.signed_tokens import sha256_of
from domain.unmatched_payment import UnmatchedPayment
from domain.use_cases.order_transaction import Cause
from domain.use_cases.privacy.erasure import (
    ErasureBlockedError,
    MoneyUnmatchedError,
    TellingReasonError,
)
from domain.use_cases.privacy.erasure_certificate import Certificate
from domain.use_cases.privacy.unknown_customer import UnknownCustomerError
from tests.doubles.container import InMemoryShop

ADA = "ada@customer.example"
UNAVAILABLE = UnavailableError("The double", "out for lunch")


def finished(shop: InMemoryShop, **facts: str) -> OrderId:
    order_id = shop.pay(shop.upload(b"wedding"), **facts)
    shop.live(order_id, hours=0.2)
    return order_id


def erase(shop: InMemoryShop) -> Certificate:
    return shop.customer_erasure.erase(ADA, actor="person:grace", reason="asked for it by mail")


def test_a_person_is_forgotten_with_every_order(shop: InMemoryShop) -> None:
    orders = {finished(shop), finished(shop)}
    figures = [shop.order(order_id).payment for order_id in orders]
    certificate = erase(shop)
    assert {shop.order(order_id).state for order_id in orders} == {State.ERASED}
    assert [shop.order(order_id).payment for order_id in orders] == figures
    assert not shop.storage.objects
    assert certificate.objects == 8, "two uploads, two originals, two results, two archives"
    assert sorted(order.number for order in certificate.orders) == ["20260314-000001", "20260314-000002"]
    written = repr(shop.own_unit_of_work.pages)
    assert not any(text in written for text in ("ada@", "'Ada'", "great-aunt-1.jpg", "payments.example"))


def test_every_erasure_has_an_actor_and_a_reason_on_record(shop: InMemoryShop) -> None:
    order_id = finished(shop)
    erase(shop)
    with shop.unit_of_work.transaction() as transaction:
        last = transaction.event_store.history(order_id)[-1]
    assert (last.event, last.actor) == (e.OrderErased(), "person:grace")
    (erasure,) = shop.own_unit_of_work.pages.erasures.values()
    assert (erasure.actor, erasure.reason) == ("person:grace", "asked for it by mail")


def test_other_customers_keep_everything(shop: InMemoryShop) -> None:
    finished(shop)
    other = finished(shop, email="bruno@customer.example", name="Bruno")
    erase(shop)
    assert shop.order(other).state is State.COMPLETED
    assert sum(str(other) in key for key in shop.storage.objects) == 3
    assert [customer.name for customer in shop.own_unit_of_work.pages.customers.values()] == ["Bruno"]


def test_a_log_of_the_erased_folds_and_brings_nothing_back(shop: InMemoryShop) -> None:
    order_id = finished(shop)
    erase(shop)
    with shop.unit_of_work.transaction() as transaction:
        assert fold(order_id, transaction.event_store.history(order_id)) == transaction.event_store.load(
            order_id
        )
    before = dict(shop.own_unit_of_work.pages.orders)
    assert list(shop.unit_of_work.rebuild()) == [order_id]
    assert shop.own_unit_of_work.pages.orders == before


def test_a_payment_with_an_erased_customers_address_creates_a_new_customer(shop: InMemoryShop) -> None:
    first = shop.order(finished(shop)).payment
    erase(shop)
    second = shop.order(finished(shop)).payment
    assert first is not None
    assert second is not None
    assert first.customer_id != second.customer_id
    assert len(erase(shop).orders) == 1


@pytest.mark.parametrize(
    ("proposed", "obstacle", "advice"),
    [
        (e.OrderHeld(reason=HoldReason.REQUESTED), Obstacle.HELD, "is on hold"),
        (
            e.DisputeOpened(dispute_id="dp", amount=Money(amount=490, currency="EUR"), reason="fraudulent"),
            Obstacle.DISPUTED,
            "is disputed",
        ),
    ],
)
def test_each_obstacle_to_an_erasure_is_named_with_a_remedy(
    shop: InMemoryShop, proposed: e.Event, obstacle: Obstacle, advice: str
) -> None:
    orders = [finished(shop), finished(shop)]
    cause = Cause(name="a test", key="a test", actor="person:grace", correlation_id=orders[1])
    shop.command_handler.handle(orders[1], [proposed], cause)
    objects = dict(shop.storage.objects)
    with pytest.raises(ErasureBlockedError, match=f"order 20260314-000002 {advice}") as refusal:
        erase(shop)
    assert refusal.value.obstacles == {"20260314-000002": obstacle}
    assert shop.order(orders[0]).state is State.COMPLETED, "all or nothing"
    assert shop.storage.objects == objects
    assert shop.own_unit_of_work.pages.customers


def test_no_customer_is_erased_while_an_order_is_in_progress(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    with pytest.raises(ErasureBlockedError, match="is still in work: wait until it is completed"):
        shop.customer_erasure.look(ADA, "asked for it")


def test_no_customer_is_erased_while_a_payment_is_unmatched(shop: InMemoryShop) -> None:
    order_id = finished(shop)
    payment = shop.order(order_id).payment
    assert payment is not None
    second = UnmatchedPayment(
        checkout_session_id="cs_again",
        upload_session_id=payment.upload_session_id,
        payment_intent_id="pi_again",
        paid=payment.paid,
        reason="The order was paid before.",
        received_at=shop.clock.now(),
    )
    with shop.unit_of_work.transaction() as transaction:
        transaction.unmatched_payments.add(second)
    with pytest.raises(MoneyUnmatchedError, match="have it paid back, or match it"):
        erase(shop)


def test_an_unknown_customer_is_not_erased(shop: InMemoryShop) -> None:
    with pytest.raises(UnknownCustomerError, match="No customer has the address ada@"):
        erase(shop)


@pytest.mark.parametrize("reason", ["Palmer wrote", "the owner of ADA@customer.example asked"])
def test_a_reason_must_not_name_who_was_erased(shop: InMemoryShop, reason: str) -> None:
    finished(shop, name="Ada Palmer")
    with pytest.raises(TellingReasonError):
        shop.customer_erasure.erase(ADA, actor="person:grace", reason=reason)
    assert shop.own_unit_of_work.pages.customers


def test_what_an_erasure_would_take_can_be_looked_at_first(shop: InMemoryShop) -> None:
    finished(shop)
    erasure_preview = shop.customer_erasure.look("ADA@customer.example", "asked for it")
    assert (erasure_preview.orders, erasure_preview.photos, erasure_preview.good_links) == (1, 1, 1)
    shop.clock.advance(days=31)
    assert shop.customer_erasure.look(ADA, "asked for it").good_links == 0
    assert shop.own_unit_of_work.pages.customers


def test_photos_are_deleted_even_if_the_storage_is_unavailable_during_the_erasure(shop: InMemoryShop) -> None:
    finished(shop)
    shop.storage.fault_injector.fail("purge", UNAVAILABLE)
    certificate = erase(shop)
    assert certificate.objects is None
    assert shop.storage.objects
    shop.pass_time(hours=2)
    assert not shop.storage.objects


def test_what_was_being_stored_at_that_moment_goes_as_well(shop: InMemoryShop) -> None:
    order_id = finished(shop)
    erase(shop)
    shop.storage.objects[f"uploads/restored/{order_id}/late"] = b"from a worker that was slow"  # type: ignore[index]
    shop.pass_time(hours=2)
    assert not shop.storage.objects


def test_a_certificate_names_no_customer_and_carries_its_own_fingerprint(shop: InMemoryShop) -> None:
    finished(shop)
    document = certificate_document(erase(shop))
    assert "ada@" not in json.dumps(document)
    fingerprint = document.pop("sha256")
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert fingerprint == sha256_of(canonical)
    assert document["removed_objects"] == 4
    assert set(document) == {
        "erasure",
        "orders",
        "removed_rows",
        "removed_objects",
        "stays",
        "held_elsewhere",
    }
