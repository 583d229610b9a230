"""Concurrent resolutions of unmatched payments on a real database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

from domain.order.errors import ShopError
from domain.order.values import UploadSessionId
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent
from domain.unmatched_payment import UnmatchedStatus
from tests.domain.use_cases.payments.test_webhooks_in_any_order import of_dispute, of_refund, take
from tests.doubles.container import InMemoryShop

BRUNO = {"actor": "person:bruno", "note": "They asked for it on the phone."}
ROUNDS = 10


def unmatched_payment(shop: InMemoryShop) -> str:
    """Pay a session twice, long ago; return the second payment's checkout."""
    session_id = shop.upload(b"wedding")
    first = shop.checkout(session_id)
    shop.clock.advance(hours=1)
    second = shop.checkout(session_id)
    for checkout in (first, second):
        shop.payments.pay(checkout)
        take(shop, shop.webhook_event(checkout, PaymentEventKind.PAID))
    shop.clock.advance(days=8)
    return second


def at_once(*works: Callable[[], object]) -> list[ShopError]:
    """Run works concurrently; return the refusals."""
    start = Barrier(len(works))

    def do(work: Callable[[], object]) -> ShopError | None:
        start.wait(timeout=10)
        try:
            work()
        except ShopError as refusal:
            return refusal
        return None

    with ThreadPoolExecutor(len(works)) as people:
        return [refusal for refusal in people.map(do, works) if refusal is not None]


def how_it_ended(shop: InMemoryShop, checkout: str) -> tuple[UnmatchedStatus, int, bool]:
    """The payment's status, its number of refunds, whether it was matched."""
    with shop.unit_of_work.transaction() as transaction:
        payment = transaction.unmatched_payments.find(checkout)
        assert payment is not None
        assert payment.payment_intent_id is not None
        order = transaction.event_store.load_by_payment(payment.payment_intent_id)
    return payment.status, len(shop.payments.payments[payment.payment_intent_id].refunds), order is not None


def test_a_payment_is_matched_or_refunded_never_both(shop: InMemoryShop) -> None:
    for _ in range(ROUNDS):
        checkout, session_id = unmatched_payment(shop), shop.upload(b"harvest")

        def match(checkout: str = checkout, session_id: object = session_id) -> None:
            shop.unmatched_payment_service.match(checkout, session_id, **BRUNO)  # type: ignore[arg-type]

        at_once(match, shop.unmatched_payment_service.refund_due, shop.unmatched_payment_service.refund_due)
        assert how_it_ended(shop, checkout) in {
            (UnmatchedStatus.MATCHED, 0, True),
            (UnmatchedStatus.REFUNDED, 1, False),
        }


def test_concurrent_resolutions_refund_a_payment_once(shop: InMemoryShop) -> None:
    for _ in range(ROUNDS):
        checkout = unmatched_payment(shop)

        def refund(checkout: str = checkout) -> None:
            shop.unmatched_payment_service.refund(checkout, **BRUNO)

        refused = at_once(
            refund,
            refund,
            shop.unmatched_payment_service.refund_due,
            shop.unmatched_payment_service.refund_due,
        )
        assert len(refused) >= 1
        assert how_it_ended(shop, checkout) == (UnmatchedStatus.REFUNDED, 1, False)


def test_two_sessions_do_not_get_the_same_payment(shop: InMemoryShop) -> None:
    for _ in range(ROUNDS):
        checkout, photos = unmatched_payment(shop), [shop.upload(b"harvest"), shop.upload(b"portrait")]
        matches = [
            lambda session_id=session_id: shop.unmatched_payment_service.match(checkout, session_id, **BRUNO)  # noqa: B023 -- done within the round
            for session_id in photos
        ]
        assert len(at_once(*matches)) == 1
        assert how_it_ended(shop, checkout) == (UnmatchedStatus.MATCHED, 0, True)


def test_a_refund_webhook_during_the_refund_is_counted_once(shop: InMemoryShop) -> None:
    for _ in range(ROUNDS):
        checkout = unmatched_payment(shop)
        with shop.unit_of_work.transaction() as transaction:
            payment = transaction.unmatched_payments.find(checkout)
        assert payment is not None
        assert payment.payment_intent_id is not None
        made = shop.payments.refund_by_hand(payment.payment_intent_id, 200)
        webhook_event = of_refund(payment.payment_intent_id, made)
        at_once(lambda: take(shop, webhook_event), shop.unmatched_payment_service.refund_due)  # noqa: B023 -- done within the round
        shop.clock.advance(days=2)
        shop.unmatched_payment_service.refund_due()
        status, _, _ = how_it_ended(shop, checkout)
        assert status is UnmatchedStatus.REFUNDED
        assert shop.payments.payments[payment.payment_intent_id].left == 0


def test_a_dispute_during_a_match_reaches_the_order(shop: InMemoryShop) -> None:
    for _ in range(ROUNDS):
        checkout, session_id = unmatched_payment(shop), shop.upload(b"harvest")
        with shop.unit_of_work.transaction() as transaction:
            payment = transaction.unmatched_payments.find(checkout)
        assert payment is not None
        webhook_event = of_dispute(payment.payment_intent_id)

        def match(checkout: str = checkout, session_id: UploadSessionId = session_id) -> None:
            shop.unmatched_payment_service.match(checkout, session_id, **BRUNO)

        def record_dispute(webhook_event: PaymentWebhookEvent = webhook_event) -> None:
            take(shop, replace(webhook_event, dispute_id=f"dp_{checkout}"))  # noqa: B023 -- done within the round

        refused = at_once(match, record_dispute)
        order = shop.order(shop.upload_service.find(session_id).order_id)
        assert order.is_disputed is not bool(refused), (
            "either it was matched before, or it could not be any more"
        )
