"""Payments on PostgreSQL that race with expiry and with other payment events."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import get_ident
from typing import Any

import pytest

from adapters.postgres.event_store import PostgresEventStore
from domain.order import events as e
from domain.order.order import Order
from domain.order.values import OrderId, UploadSessionId
from domain.ports.event_store import Commit
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent
from domain.ports.upload_sessions import UploadStatus
from domain.signed_tokens import sha256_of
from domain.unmatched_payment import UnmatchedStatus
from tests.adapters.support.waiting_for_locks import until_it_waits_or_ends
from tests.domain.use_cases.payments.test_webhooks_in_any_order import of_dispute
from tests.doubles.container import InMemoryShop

LONG_AGO = {"days": 30}


def take(shop: InMemoryShop, webhook_event: PaymentWebhookEvent) -> object:
    return shop.payment_webhook.handle(webhook_event, sha256_of(webhook_event.event_id))


def while_the_session_expires(
    shop: InMemoryShop, database_url: str, work: Callable[[], object], session_id: UploadSessionId
) -> None:
    """Begin work after the session expired and before that is committed."""
    now, policy = shop.clock.now(), shop.policy
    with ThreadPoolExecutor(1) as other:
        with shop.unit_of_work.transaction() as transaction:
            expired = transaction.upload_sessions.expire_stale(
                now - policy.retention.uploads, now - policy.payments.checkout_lifetime, 10
            )
            assert expired == [session_id]
            waiting: Future[object] = other.submit(work)
            until_it_waits_or_ends(database_url, waiting)
        waiting.result()


def test_a_session_whose_payment_is_being_recorded_does_not_expire(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = shop.upload(b"wedding")
    paid = shop.payment(session_id)
    shop.clock.advance(**LONG_AGO)
    begin, tidied = shop.order_placement.begin_all, []

    def begin_while_it_is_tidied(*arguments: Any) -> Sequence[Order]:
        tidied.append(shop.upload_cleanup.tidy())
        return begin(*arguments)

    monkeypatch.setattr(shop.order_placement, "begin_all", begin_while_it_is_tidied)
    take(shop, paid)
    session = shop.upload_service.find(session_id)
    assert tidied == [0]
    assert session.status is UploadStatus.PAID
    assert [photo.upload.key for photo in session.photos] == list(shop.storage.objects)


def test_a_payment_that_waited_for_its_sessions_expiry_is_unmatched(
    shop: InMemoryShop, own_database_url: str
) -> None:
    session_id = shop.upload(b"wedding")
    paid = shop.payment(session_id)
    assert paid.checkout is not None
    shop.clock.advance(**LONG_AGO)
    while_the_session_expires(shop, own_database_url, lambda: take(shop, paid), session_id)
    session = shop.upload_service.find(session_id)
    with shop.unit_of_work.transaction() as transaction:
        unmatched = transaction.unmatched_payments.find(paid.checkout.checkout_session_id)
    assert session.status is UploadStatus.EXPIRED
    assert not shop.events(session.order_id)
    assert unmatched is not None
    assert unmatched.status is UnmatchedStatus.OPEN


def test_a_pending_payment_does_not_reopen_an_expired_session(
    shop: InMemoryShop, own_database_url: str
) -> None:
    session_id = shop.upload(b"wedding")
    checkout = shop.checkout(session_id)
    shop.payments.pay_later(checkout)
    pending = shop.webhook_event(checkout, PaymentEventKind.PENDING)
    shop.clock.advance(**LONG_AGO)
    while_the_session_expires(shop, own_database_url, lambda: take(shop, pending), session_id)
    assert shop.upload_service.find(session_id).status is UploadStatus.EXPIRED


def test_a_payment_event_is_recorded_despite_concurrent_events_of_its_order(
    shop: InMemoryShop, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the lock concurrent events conflict; the second conflict is an error."""
    order_id = shop.pay(shop.upload(b"wedding"))
    payment = shop.order(order_id).payment
    assert payment is not None
    first, *others = (
        replace(of_dispute(payment.payment_intent_id), dispute_id=f"dp_{number}") for number in range(3)
    )
    preview, coming = shop.command_handler.preview, list(others)
    handled: list[Future[object]] = []

    def preview_while_others_come(before: Order, proposed: Sequence[e.Event], *arguments: Any) -> Commit:
        step = preview(before, proposed, *arguments)
        if proposed == [opened(first)] and coming:
            handled.append(threads.submit(take, shop, coming.pop(0)))
            until_it_waits_or_ends(own_database_url, handled[-1])
        return step

    monkeypatch.setattr(shop.command_handler, "preview", preview_while_others_come)
    with ThreadPoolExecutor(len(others)) as threads:
        take(shop, first)
        for one in handled:
            one.result()
        for webhook_event in coming:
            take(shop, webhook_event)
    disputes = [event.dispute_id for event in shop.events(order_id) if isinstance(event, e.DisputeOpened)]
    assert disputes == ["dp_0", "dp_1", "dp_2"]


def test_a_payment_event_counts_what_was_recorded_before_its_lock(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order loaded before the lock is out of date."""
    order_id = shop.pay(shop.upload(b"wedding"))
    payment = shop.order(order_id).payment
    assert payment is not None
    first, *others = (
        replace(of_dispute(payment.payment_intent_id), dispute_id=f"dp_{number}") for number in range(3)
    )
    load, coming, own_thread = PostgresEventStore.load_locked, list(others), get_ident()

    def load_after_another(log: PostgresEventStore, wanted: OrderId, known: Order | None = None) -> Order:
        if get_ident() == own_thread and coming:
            threads.submit(take, shop, coming.pop(0)).result()
        return load(log, wanted, known)

    monkeypatch.setattr(PostgresEventStore, "load_locked", load_after_another)
    with ThreadPoolExecutor(1) as threads:
        take(shop, first)
    disputes = [event.dispute_id for event in shop.events(order_id) if isinstance(event, e.DisputeOpened)]
    assert disputes == ["dp_1", "dp_0"]


def opened(webhook_event: PaymentWebhookEvent) -> e.DisputeOpened:
    """The event that a dispute's webhook becomes."""
    assert webhook_event.dispute_id is not None
    assert webhook_event.dispute_amount is not None
    return e.DisputeOpened(
        dispute_id=webhook_event.dispute_id,
        amount=webhook_event.dispute_amount,
        reason=webhook_event.reason or "no reason given",
        is_inquiry=webhook_event.is_inquiry,
    )
