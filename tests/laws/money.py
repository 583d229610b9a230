"""Laws 3 and 4: the log's money against the provider's."""

from collections import Counter
from collections.abc import Iterator, Sequence

from domain.order import events as e
from domain.order.deterministic_ids import note_of_payment_by_hand
from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.values import CustomerId, HoldReason, PointsReason, RefundReason
from domain.unmatched_payment import UnmatchedStatus
from tests.laws.snapshot import ProviderPayment, Snapshot, Violation, violation


def payments_have_one_owner(snapshot: Snapshot) -> Iterator[Violation]:
    """Require one owner for each payment, and a payment for each order."""
    if snapshot.payments is None:
        return
    orders = [order for order in snapshot.orders.values() if order.payment]
    owners: Counter[str | None] = Counter()
    for order in orders:
        assert order.payment is not None
        owners[order.payment.payment_intent_id or order.payment.checkout_session_id] += 1
    unmatched = {
        row.payment_intent_id or row.checkout_session_id: row
        for row in snapshot.unmatched
        if row.status is not UnmatchedStatus.MATCHED
    }
    owners.update(unmatched.keys())
    for payment in snapshot.payments:
        key = payment.payment_intent_id or payment.checkout_session_id
        if owners[key] != int(payment.is_ours):
            yield violation(
                3, f"A payment of {payment.amount} has {owners[key]} orders and unmatched rows.", key
            )
        row = unmatched.get(key)
        is_settled = row is not None and row.status is UnmatchedStatus.REFUNDED
        if is_settled and payment.returned + payment.lost < payment.amount:
            kept = payment.amount - payment.returned - payment.lost
            yield violation(3, f"{kept} of a payment without an order were not refunded.", key)
    by_key = {one.payment_intent_id or one.checkout_session_id: one for one in snapshot.payments}
    for order in orders:
        yield from _was_paid(order, by_key)


def _was_paid(order: Order, payments: dict[str | None, ProviderPayment]) -> Iterator[Violation]:
    assert order.payment is not None
    payment = payments.get(order.payment.payment_intent_id or order.payment.checkout_session_id)
    if payment is None:
        yield violation(
            3, f"The log says {order.paid_amount} was paid, the provider nothing.", order.order_id
        )
    elif payment.amount != order.paid_amount:
        sentence = f"The log says {order.paid_amount} was paid, the provider {payment.amount}."
        yield violation(3, sentence, order.order_id)
    elif payment.checkout_session_id not in {None, order.payment.checkout_session_id}:
        yield violation(3, "An order has the payment of another checkout.", order.order_id)


def refunds_never_exceed_payments(snapshot: Snapshot) -> Iterator[Violation]:
    """Bound refunds and points, in the log and at the provider."""
    for order_id, stream in snapshot.streams.items():
        for sentence in (
            *_money(stream.order, stream.history),
            *_points(stream.order),
            *_delivered_and_refunded(stream.order, stream.history),
        ):
            yield violation(4, sentence, order_id)
    if snapshot.payments is not None:
        yield from _refunds_at_the_provider(snapshot, snapshot.payments)
    if snapshot.is_at_rest:
        yield from _points_of_customers(snapshot)


def _money(order: Order, history: list[e.Event]) -> Iterator[str]:
    """Bound the shop's refunds, given what staff and banks took back.

    A refund that the shop dropped may be issued after all, beside one that was paid by hand: a fact, which holds the
    order as overpaid.
    """
    ledger = order.ledger
    ours = [one for one in ledger.all_but(RefundStatus.DROPPED) if one.reason is not RefundReason.AT_PROVIDER]
    is_known = any(isinstance(one, e.OrderHeld) and one.reason is HoldReason.OVERPAID for one in history)
    asked = sum(refund.amount.amount for refund in ours)
    if asked > order.paid_amount and not is_known:
        yield f"{asked} of {order.paid_amount} are asked back."
    left = order.paid_amount - ledger.issued - ledger.pending - ledger.lost
    if ledger.requested + ledger.failed > max(left, 0):
        yield f"{ledger.requested + ledger.failed} are owed, and {left} are left."
    if sum(image.share.amount for image in order.images.values()) != order.paid_amount:
        yield "The images' shares do not add up to what was paid."


def _points(order: Order) -> Iterator[str]:
    """Bound points taken back by those earned, returned by those spent."""
    sums: Counter[tuple[CustomerId, PointsReason]] = Counter()
    for entry in order.points:
        sums[entry.customer_id, entry.reason] += entry.points
    for customer in {entry.customer_id for entry in order.points}:
        earned = sums[customer, PointsReason.WELCOME] + sums[customer, PointsReason.REFERRAL]
        if not 0 <= -sums[customer, PointsReason.TAKEN_BACK] <= earned:
            yield f"{-sums[customer, PointsReason.TAKEN_BACK]} points were taken back of {earned} earned."
        spent = -sums[customer, PointsReason.SPENT]
        if not 0 <= sums[customer, PointsReason.RETURNED] <= spent:
            yield f"{sums[customer, PointsReason.RETURNED]} points were returned of {spent} spent."
        is_all_back = 0 < order.paid_amount == order.ledger.returned_amount
        if is_all_back and sum(one.points for one in order.points if one.customer_id == customer) != 0:
            yield "All money was refunded, and points stay moved."


def _delivered_and_refunded(order: Order, history: list[e.Event]) -> Iterator[str]:
    delivered = {image.image_id for image in order.restored_images}
    for refund in order.refunds.values():
        if delivered & set(refund.image_ids):
            yield "A photo is both restored and refunded."
    issued = {image_id for one in order.ledger.having(RefundStatus.ISSUED) for image_id in one.image_ids}
    for event in history if issued else ():
        if isinstance(event, e.DownloadPrepared) and issued & set(event.image_ids):
            yield "A photo is in an archive, and was refunded as not restored."


def _refunds_at_the_provider(snapshot: Snapshot, payments: Sequence[ProviderPayment]) -> Iterator[Violation]:
    """Compare refunds one by one: none unknown, of another amount, or doubled."""
    owners = {
        order.payment.payment_intent_id: order
        for order in snapshot.orders.values()
        if order.payment and order.payment.payment_intent_id
    }
    unmatched = {row.payment_intent_id: row for row in snapshot.unmatched}
    for payment in payments:
        intent = payment.payment_intent_id
        order = owners.get(intent or "")
        about = (intent, *([order.order_id] if order else []))
        if payment.returned > payment.amount:
            yield violation(
                4, f"{payment.returned} of {payment.amount} was refunded at the provider.", *about
            )
        granted = Counter(one.refund_id for one in payment.refunds if one.refund_id and not one.has_failed)
        for refund_id, times in granted.items():
            if times > 1:
                yield violation(4, f"Refund {refund_id} was paid {times} times.", *about)
        if order is not None:
            yield from _same_refunds(order, payment)
        elif payment.returned and intent not in unmatched:
            yield violation(
                4, f"{payment.returned} was refunded of a payment that nothing here knows.", *about
            )


def _same_refunds(order: Order, payment: ProviderPayment) -> Iterator[Violation]:
    at_provider = {one.provider_refund_id: one.amount for one in payment.refunds if not one.has_failed}
    on_record = {
        refund.provider_refund_id: refund.amount.amount
        for refund in order.ledger.having(RefundStatus.PENDING, RefundStatus.ISSUED)
        if refund.provider_refund_id and not note_of_payment_by_hand(refund.provider_refund_id)
    }
    if at_provider != on_record:
        yield violation(
            4,
            f"The log says {on_record} was refunded, the provider {at_provider}.",
            payment.payment_intent_id,
            order.order_id,
        )


def _points_of_customers(snapshot: Snapshot) -> Iterator[Violation]:
    """No customer spends more points than ever came to them."""
    sums: Counter[CustomerId] = Counter()
    for order in snapshot.orders.values():
        for entry in order.points:
            if entry.reason is not PointsReason.TAKEN_BACK:  # after it was spent that leaves a debt
                sums[entry.customer_id] += entry.points
    for customer_id, points in sums.items():
        if points < 0:
            yield violation(4, f"{-points} points more were spent than there were.", customer_id)
