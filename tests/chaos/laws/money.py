"""Laws 3 and 4: the log joined with Stripe's books."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from domain.order import events as e
from domain.order.ledger import RefundStatus
from domain.order.order import Order
from tests.chaos.collected_state import ExportArchive
from tests.chaos.laws.checking import sentences
from tests.chaos.provider_records import Json
from tests.domain.support.laws import check_money, check_shares

OWNED = "Each payment that succeeded belongs to exactly one order, or to one open `unmatched_payment`."
NO_MORE_THAN_PAID = (
    "Refunds requested + issued never exceed what was paid; no photo is both delivered and refunded."
)


def payments_belong_somewhere(export_archive: ExportArchive) -> Iterator[str]:
    """Payments at Stripe with no owner here or two, and payments on record that Stripe does not know.

    A payment that carries no seal of this shop is another's, and has to have no owner here.
    """
    taken = {
        intent["id"]: intent["amount_received"]
        for intent in export_archive.stripe.kind("payment_intent")
        if intent["amount_received"]
    }
    payments = [order.payment for order in export_archive.orders.values() if order.payment]
    owners = Counter(payment.payment_intent_id for payment in payments if payment.payment_intent_id)
    owners.update(row["payment_intent_id"] for row in export_archive.unmatched if row["status"] != "matched")
    sealed = {
        intent["id"]
        for intent in export_archive.stripe.kind("payment_intent")
        if intent["metadata"].get("seal")
    }
    for intent, amount in taken.items():
        if owners[intent] != (1 if intent in sealed else 0):
            yield f"Payment {intent} of {amount} at Stripe belongs to {owners[intent]} orders or strangers."
    for payment in payments:
        if payment.payment_intent_id and taken.get(payment.payment_intent_id) != payment.paid.amount:
            found = taken.get(payment.payment_intent_id)
            yield f"{payment.paid} are on record for {payment.payment_intent_id}, and Stripe took {found}."


def no_more_goes_back_than_was_paid(export_archive: ExportArchive) -> Iterator[str]:
    """What the log says by itself, and each order's refunds against those at Stripe."""
    orders = list(export_archive.orders.values())
    yield from sentences(check_money, orders)
    yield from sentences(check_shares, orders)
    theirs: defaultdict[str, list[Json]] = defaultdict(list)
    for refund in export_archive.stripe.kind("refund"):
        theirs[refund["payment_intent"]].append(refund)
    for order in orders:
        intent = order.payment.payment_intent_id if order.payment else None
        yield from _compare(order, theirs.pop(intent or "", []))
    set_aside = {row["payment_intent_id"]: row["amount"] for row in export_archive.unmatched}
    for intent, refunds in theirs.items():
        back = sum(refund["amount"] for refund in refunds if refund["status"] != "failed")
        if back > set_aside.get(intent, 0):
            yield f"{back} went back at Stripe for {intent}, of which {set_aside.get(intent, 0)} were set aside."
    yield from _delivered_and_refunded(export_archive)


def _compare(order: Order, theirs: list[Json]) -> Iterator[str]:
    """Refund by refund: none that only one side knows, none of another amount, and no wish that was granted twice."""
    at_stripe = {refund["id"]: refund["amount"] for refund in theirs if refund["status"] != "failed"}
    on_record = {
        refund.provider_refund_id: refund.amount.amount
        for refund in order.ledger.having(RefundStatus.PENDING, RefundStatus.ISSUED)
    }
    if at_stripe != on_record:
        yield f"Order {order.order_id} has paid back {on_record}, and Stripe {at_stripe}."
    if sum(at_stripe.values()) > order.paid_amount:
        yield f"Of {order.paid_amount} paid for order {order.order_id}, {sum(at_stripe.values())} went back."
    granted = Counter(
        refund["metadata"].get("refund_id") for refund in theirs if refund["status"] != "failed"
    )
    for refund_id, times in granted.items():
        if refund_id and times > 1:
            yield f"Refund {refund_id} of order {order.order_id} was paid {times} times."


def _delivered_and_refunded(export_archive: ExportArchive) -> Iterator[str]:
    """Photos that lie in an archive, and were paid back as not restored all the same."""
    for order_id, order in export_archive.orders.items():
        packed = {
            image_id
            for recorded in export_archive.histories[order_id]
            if isinstance(recorded.event, e.DownloadPrepared)
            for image_id in recorded.event.image_ids
        }
        for refund in order.ledger.having(RefundStatus.ISSUED):
            for image_id in packed & set(refund.image_ids):
                yield f"Photo {image_id} of order {order_id} was delivered, and paid back as {refund.refund_id}."
