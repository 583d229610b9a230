"""Reconciliation queries in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from domain.order.events import RecordedEvent
from domain.order.order import Order
from domain.order.states import TERMINAL
from domain.order.values import Money, OrderId, UploadSessionId
from domain.ports.event_store import UnreadableEvent
from domain.ports.reconciliation_queries import (
    ReactionSummary,
    ReconciliationQueries,
)

if TYPE_CHECKING:
    from tests.doubles.tables import Tables


class InMemoryReconciliationQueries(ReconciliationQueries):
    """Queries on the in-memory tables; their ``orders`` act as the read models."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def orders_since(self, since: datetime) -> list[OrderId]:
        touched = {
            order_id
            for order_id, stream in self._pages.streams.items()
            if any(recorded.recorded_at >= since for recorded in stream)
        }
        under_way = {
            order_id
            for order_id, order in self._pages.orders.items()
            if order.state not in TERMINAL or order.is_held
        }
        return sorted(touched | under_way)

    def streams(self, order_ids: Sequence[OrderId]) -> dict[OrderId, list[RecordedEvent]]:
        streams = self._pages.streams
        readable = sorted(order_id for order_id in order_ids if order_id not in self._pages.unreadable)
        return {order_id: list(streams[order_id]) for order_id in readable if order_id in streams}

    def unreadable_events(self, order_ids: Sequence[OrderId]) -> list[UnreadableEvent]:
        return [each for order_id, each in self._pages.unreadable.items() if order_id in order_ids]

    def all_unreadable_events(self) -> list[UnreadableEvent]:
        return list(self._pages.unreadable.values())

    def differing_read_models(self, orders: Sequence[Order]) -> dict[OrderId, list[str]]:
        kept = self._pages.orders
        return {order.order_id: ["orders"] for order in orders if kept.get(order.order_id) != order}

    def work(self, order_ids: Sequence[OrderId]) -> dict[OrderId, list[ReactionSummary]]:
        work: dict[OrderId, list[ReactionSummary]] = {}
        for each in self._pages.work.values():
            if each.order_id in order_ids:
                line = ReactionSummary(
                    reaction_id=each.reaction_id,
                    kind=type(each.reaction).__name__,
                    is_open=each.outcome is None,
                    free_since=each.free_since,
                    problem=each.problem,
                )
                work.setdefault(each.order_id, []).append(line)
        return work

    def unknown_messages(self, source: str, event_ids: Sequence[str]) -> set[str]:
        return {event_id for event_id in event_ids if (source, event_id) not in self._pages.inbox}

    def payments(self, checkout_session_ids: Sequence[str]) -> dict[str, Money]:
        payments = [order.payment for order in self._pages.orders.values() if order.payment]
        paid = {payment.checkout_session_id: payment.paid for payment in payments}
        paid |= {checkout: payment.paid for checkout, payment in self._pages.unmatched.items()}
        return {checkout: paid[checkout] for checkout in checkout_session_ids if checkout in paid}

    def orders_by_payment(self, payment_intent_ids: Sequence[str]) -> dict[str, OrderId]:
        return {
            order.payment.payment_intent_id: order_id
            for order_id, order in self._pages.orders.items()
            if order.payment
            and order.payment.payment_intent_id is not None
            and order.payment.payment_intent_id in payment_intent_ids
        }

    def delivered_orders_of(self, addresses: Sequence[str]) -> dict[str, list[OrderId]]:
        asked = {address.lower() for address in addresses}
        found: dict[str, list[OrderId]] = {}
        for order_id, order in sorted(self._pages.orders.items()):
            customer = self._pages.customers.get(order.payment.customer_id) if order.payment else None
            if customer is None or not order.is_deliverable or order.photos_are_purged:
                continue
            if (address := customer.email.lower()) in asked:
                found.setdefault(address, []).append(order_id)
        return found

    def known_predictions(self, prediction_ids: Sequence[str]) -> set[str]:
        known = {
            attempt.prediction_id
            for order in self._pages.orders.values()
            for image in order.images.values()
            for attempt in image.attempts.values()
        }
        return {prediction_id for prediction_id in prediction_ids if prediction_id in known}

    def known_sessions(self, session_ids: Sequence[UploadSessionId]) -> set[UploadSessionId]:
        return {session_id for session_id in session_ids if session_id in self._pages.uploads}

    def tidied_sessions(self, session_ids: Sequence[UploadSessionId]) -> set[UploadSessionId]:
        pages = self._pages.uploads
        return {
            session_id
            for session_id in session_ids
            if session_id in pages and pages[session_id].temp_objects_deleted_at is not None
        }
