"""Order queries in memory."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from domain.order.closure import OVER
from domain.order.download_link import DownloadLink
from domain.order.email import EmailStatus
from domain.order.ledger import Refund
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import DownloadLinkId, EmailId, OrderId, OrderNumber
from domain.ports.order_queries import (
    ALL_ORDERS,
    REMINDER,
    OrderFilter,
    OrderQueries,
    OrderSummary,
    OrderVersion,
)
from tests.doubles.tables import Tables


class InMemoryOrderQueries(OrderQueries):
    """Order queries for staff, folded from the log."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def newest(self, limit: int, wanted: OrderFilter = ALL_ORDERS) -> list[OrderSummary]:
        lines = [_summary(order) for order in self._pages.orders.values() if self._matches(order, wanted)]
        return sorted(lines, key=lambda line: line.paid_at, reverse=True)[:limit]

    def _matches(self, order: Order, wanted: OrderFilter) -> bool:
        assert order.payment is not None
        customer = self._pages.customers.get(order.payment.customer_id)
        email = customer.email if customer is not None else ""
        paid_at = order.entered_at[State.PAID]
        return (
            wanted.state in {None, order.state}
            and (order.is_held or not wanted.is_held)
            and (wanted.email is None or email.lower() == wanted.email.lower())
            and (wanted.paid_from is None or paid_at >= wanted.paid_from)
            and (wanted.paid_before is None or paid_at < wanted.paid_before)
            and (wanted.provider_id is None or _has_provider_id(order, wanted.provider_id))
        )

    def versions(self, order_ids: Collection[OrderId]) -> Mapping[OrderId, OrderVersion]:
        known = (self._pages.orders[order_id] for order_id in order_ids if order_id in self._pages.orders)
        return {order.order_id: OrderVersion(order.version, order.state) for order in known}

    def recent_turnarounds(self, orders: int) -> list[timedelta]:
        newest = sorted(self._pages.orders.values(), key=lambda order: order.entered_at[State.PAID])[-orders:]
        return [
            order.entered_at[State.COMPLETED] - order.entered_at[State.PAID]
            for order in newest
            if State.COMPLETED in order.entered_at
        ]

    def find(self, number: OrderNumber) -> OrderId | None:
        lines = (_summary(order) for order in self._pages.orders.values())
        return next((line.order_id for line in lines if line.number == number), None)

    def unfetched(
        self, ending_after: datetime, ending_before: datetime, after: DownloadLinkId | None, limit: int
    ) -> list[tuple[OrderId, DownloadLinkId]]:
        found = (
            (order.order_id, link.link_id)
            for order in self._pages.orders.values()
            if order.is_deliverable and not (order.is_held or order.is_disputed or order.photos_are_purged)
            if not any(other.has_opted_out for other in self._of_the_same_customer(order))
            if not order.is_fetched
            for link in [max(_good(order), key=lambda link: link.expires_at, default=None)]
            if link is not None and ending_after < link.expires_at <= ending_before
            if after is None or link.link_id > after
            if all(
                recorded.cause != f"{REMINDER}{link.link_id}"
                for recorded in self._pages.streams[order.order_id]
            )
        )
        return sorted(found, key=lambda each: each[1])[:limit]

    def needing_attention(self) -> list[OrderId]:
        undelivered = {EmailStatus.FAILED, EmailStatus.BOUNCED}
        return sorted(
            order.order_id
            for order in self._pages.orders.values()
            if order.is_held
            or order.is_disputed
            or order.has_open_inquiry
            or order.has_opted_out
            or any(email.status in undelivered for email in order.emails.values())
        )

    def find_by_messages(self, message_ids: Collection[str]) -> Mapping[str, tuple[OrderId, EmailId]]:
        return {
            email.message_id: (order.order_id, email.email_id)
            for order in self._pages.orders.values()
            for email in order.emails.values()
            if email.message_id is not None and email.message_id in message_ids
        }

    def _of_the_same_customer(self, order: Order) -> Iterator[Order]:
        for other in self._pages.orders.values():
            if other.payment and order.payment and other.payment.customer_id == order.payment.customer_id:
                yield other

    def finished(self, before: datetime, after: OrderId | None, limit: int) -> list[OrderId]:
        found = (
            order.order_id
            for order in self._pages.orders.values()
            if order.state in OVER and not order.photos_are_purged
            if max(at for state, at in order.entered_at.items() if state in OVER) < before
            if after is None or order.order_id > after
        )
        return sorted(found)[:limit]


def _has_provider_id(order: Order, provider_id: str) -> bool:
    assert order.payment is not None
    attempts = (attempt for image in order.images.values() for attempt in image.attempts.values())
    return (
        provider_id in {order.payment.checkout_session_id, order.payment.payment_intent_id, *order.disputes}
        or provider_id in {id_ for refund in order.refunds.values() for id_ in _refund_ids(refund)}
        or provider_id in {attempt.prediction_id for attempt in attempts}
        or provider_id.partition(".")[0] in {email.message_id for email in order.emails.values()}
    )


def _refund_ids(refund: Refund) -> set[str | None]:
    return {refund.provider_refund_id, *refund.failed_provider_refund_ids}


def _good(order: Order) -> list[DownloadLink]:
    return [link for link in order.links.values() if not link.is_revoked]


def _summary(order: Order) -> OrderSummary:
    assert order.payment is not None
    return OrderSummary(
        order_id=order.order_id,
        number=order.payment.order_number,
        state=order.state,
        is_held=order.is_held,
        images=len(order.images),
        restored=len(order.restored_images),
        paid=order.payment.paid,
        paid_at=order.entered_at[State.PAID],
    )
