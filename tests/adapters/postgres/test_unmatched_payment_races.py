"""Money without an order on real books, while several settle it at the same moment."""

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


def set_aside(shop: InMemoryShop) -> str:
    """Have a session paid twice, long ago; gives the checkout of the second payment."""
    session_id = shop.upload(b"wedding")
    first = shop.checkout(session_id)
    shop.clock.advance(hours=1)
    second = shop.checkout(session_id)
    for checkout in (first, second):
        shop.payments.pay(checkout)
        take(shop, shop.told(checkout, PaymentEventKind.PAID))
    shop.clock.advance(days=8)
    return second


def at_once(*works: Callable[[], object]) -> list[ShopError]:
    """Do all of it at the same moment; gives who was refused."""
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
    """The payment's status, how many refunds were made of it, and whether an order began with it."""
    with shop.unit_of_work.transaction() as transaction:
        payment = transaction.unmatched_payments.find(checkout)
        assert payment is not None
        assert payment.payment_intent_id is not None
        order = transaction.event_store.load_by_payment(payment.payment_intent_id)
    return payment.status, len(shop.payments.payments[payment.payment_intent_id].refunds), order is not None


def test_a_payment_is_matched_or_goes_back_and_never_both(shop: InMemoryShop) -> None:
    for _ in range(ROUNDS):
        checkout, session_id = set_aside(shop), shop.upload(b"harvest")

        def match(checkout: str = checkout, session_id: object = session_id) -> None:
            shop.unmatched_payment_service.match(checkout, session_id, **BRUNO)  # type: ignore[arg-type]

        at_once(match, shop.unmatched_payment_service.refund_due, shop.unmatched_payment_service.refund_due)
        assert how_it_ended(shop, checkout) in {
            (UnmatchedStatus.MATCHED, 0, True),
            (UnmatchedStatus.REFUNDED, 1, False),
        }


def test_a_payment_goes_back_once_however_many_resolve_it(shop: InMemoryShop) -> None:
    for _ in range(ROUNDS):
        checkout = set_aside(shop)

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
        checkout, photos = set_aside(shop), [shop.upload(b"harvest"), shop.upload(b"portrait")]
        matches = [
            lambda session_id=session_id: shop.unmatched_payment_service.match(checkout, session_id, **BRUNO)  # noqa: B023 -- done within the round
            for session_id in photos
        ]
        assert len(at_once(*matches)) == 1
        assert how_it_ended(shop, checkout) == (UnmatchedStatus.MATCHED, 0, True)


def test_word_of_a_refund_that_comes_while_it_is_made_is_counted_once(shop: InMemoryShop) -> None:
    for _ in range(ROUNDS):
        checkout = set_aside(shop)
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


def test_a_dispute_told_while_a_payment_is_matched_reaches_the_order(shop: InMemoryShop) -> None:
    for _ in range(ROUNDS):
        checkout, session_id = set_aside(shop), shop.upload(b"harvest")
        with shop.unit_of_work.transaction() as transaction:
            payment = transaction.unmatched_payments.find(checkout)
        assert payment is not None
        webhook_event = of_dispute(payment.payment_intent_id)

        def match(checkout: str = checkout, session_id: UploadSessionId = session_id) -> None:
            shop.unmatched_payment_service.match(checkout, session_id, **BRUNO)

        def tell(webhook_event: PaymentWebhookEvent = webhook_event) -> None:
            take(shop, replace(webhook_event, dispute_id=f"dp_{checkout}"))  # noqa: B023 -- done within the round

        refused = at_once(match, tell)
        order = shop.order(shop.upload_service.find(session_id).order_id)
        assert order.is_disputed is not bool(refused), (
            "either it was matched before, or it could not be any more"
        )
