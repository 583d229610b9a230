"""Queries over the read models of orders."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Uuid, func, or_, select, text

from adapters.postgres.driver_sql import execute
from adapters.postgres.tables import (
    customers,
    email_queue,
    orders,
    restoration_jobs,
)
from adapters.postgres.tables.read_models import images
from domain.order.states import DELIVERABLE_STATES, State
from domain.order.values import DownloadLinkId, EmailId, Money, OrderId, OrderNumber
from domain.ports.order_queries import (
    ALL_ORDERS,
    REMINDER,
    OrderFilter,
    OrderQueries,
    OrderSummary,
    OrderVersion,
)

#: Refunds and disputes have no read model: their ids are looked up in the log with a sequential scan, which is
#: acceptable for a command that staff run.
_IN_THE_LOG = text(
    """SELECT order_id FROM events
    WHERE (name LIKE 'order.refund%' OR name LIKE 'order.dispute%')
      AND :provider_id IN (data ->> 'provider_refund_id', data ->> 'dispute_id')"""
).columns(order_id=Uuid)


_VERSIONS = "SELECT order_id, version, state FROM orders WHERE order_id = ANY(:order_ids)"


def conditions_of(wanted: OrderFilter) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of a filter, to be joined by AND."""
    if wanted.state is not None:
        yield orders.c.state == wanted.state.value
    if wanted.is_held:
        yield orders.c.hold_reason.is_not(None)
    if wanted.paid_from is not None:
        yield orders.c.paid_at >= wanted.paid_from
    if wanted.paid_before is not None:
        yield orders.c.paid_at < wanted.paid_before
    if wanted.email is not None:
        owner = select(customers.c.customer_id).where(
            func.lower(customers.c.email) == func.lower(wanted.email)
        )
        yield orders.c.customer_id.in_(owner)
    if wanted.provider_id is not None:
        yield _has_provider_id(wanted.provider_id)


def _has_provider_id(provider_id: str) -> ColumnElement[bool]:
    predictions = (
        select(images.c.order_id)
        .join(restoration_jobs, restoration_jobs.c.image_id == images.c.image_id)
        .where(restoration_jobs.c.prediction_id == provider_id)
    )
    # SendGrid's events carry the message id that sending returned, followed by a point and a suffix.
    messages = select(email_queue.c.order_id).where(
        email_queue.c.message_id.in_({provider_id, provider_id.partition(".")[0]})
    )
    return or_(
        orders.c.checkout_session_id == provider_id,
        orders.c.payment_intent_id == provider_id,
        orders.c.order_id.in_(predictions),
        orders.c.order_id.in_(messages),
        orders.c.order_id.in_(_IN_THE_LOG.bindparams(provider_id=provider_id)),
    )


_TURNAROUNDS = text(
    """SELECT completed_at - paid_at AS took
    FROM (SELECT paid_at, completed_at FROM orders ORDER BY paid_at DESC LIMIT :orders) AS newest
    WHERE completed_at IS NOT NULL"""
)

_FINISHED = text(
    """SELECT order_id FROM orders
    WHERE state IN ('completed', 'refunded') AND NOT photos_are_purged
      AND greatest(completed_at, refunded_at) < :before
      AND (CAST(:after AS uuid) IS NULL OR order_id > :after)
    ORDER BY order_id LIMIT :limit"""
)


_UNFETCHED = text(
    """SELECT order_id, link_id FROM download_links AS link JOIN orders USING (order_id)
    WHERE state = ANY (:shown) AND hold_reason IS NULL AND NOT is_disputed AND NOT photos_are_purged
      AND expires_at > :ending_after AND expires_at <= :ending_before AND NOT is_revoked
      AND NOT is_shared
      AND (CAST(:after AS uuid) IS NULL OR link_id > :after)
      AND NOT EXISTS (
        SELECT FROM download_links AS other WHERE other.order_id = link.order_id
          AND (other.openings > 0
            OR (other.expires_at > link.expires_at AND NOT other.is_revoked AND NOT other.is_shared))
      )
      AND NOT EXISTS (
        SELECT FROM email_queue JOIN orders AS theirs USING (order_id)
        WHERE opt_out IS NOT NULL AND theirs.customer_id = orders.customer_id
      )
      AND NOT EXISTS (
        SELECT FROM ONLY events WHERE events.order_id = link.order_id AND events.cause = :reminder || link_id
      )
    ORDER BY link_id LIMIT :limit"""
)


_NEEDING_ATTENTION = text(
    """SELECT order_id FROM orders WHERE hold_reason IS NOT NULL OR is_disputed OR has_open_inquiry
    UNION SELECT order_id FROM email_queue WHERE status IN ('failed', 'bounced')
      OR opt_out IS NOT NULL
    ORDER BY order_id"""
)


class PostgresOrderQueries(OrderQueries):
    """The order queries on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest(self, limit: int, wanted: OrderFilter = ALL_ORDERS) -> list[OrderSummary]:
        rows = self._connection.execute(
            select(orders).where(*conditions_of(wanted)).order_by(orders.c.paid_at.desc()).limit(limit)
        )
        return [
            OrderSummary(
                order_id=OrderId(row.order_id),
                number=OrderNumber(row.number),
                state=row.state,
                is_held=row.hold_reason is not None,
                images=row.images,
                restored=row.restored_images,
                paid=Money(amount=row.paid_amount, currency=row.currency),
                paid_at=row.paid_at,
            )
            for row in rows
        ]

    def versions(self, order_ids: Collection[OrderId]) -> Mapping[OrderId, OrderVersion]:
        found = execute(self._connection, _VERSIONS, {"order_ids": list(order_ids)})
        return {OrderId(order_id): OrderVersion(version, State(state)) for order_id, version, state in found}

    def recent_turnarounds(self, orders: int) -> list[timedelta]:
        found = self._connection.execute(_TURNAROUNDS, {"orders": orders})
        return list(found.scalars())

    def find(self, number: OrderNumber) -> OrderId | None:
        found = self._connection.execute(select(orders.c.order_id).where(orders.c.number == number))
        order_id = found.scalar_one_or_none()
        return OrderId(order_id) if order_id is not None else None

    def unfetched(
        self, ending_after: datetime, ending_before: datetime, after: DownloadLinkId | None, limit: int
    ) -> list[tuple[OrderId, DownloadLinkId]]:
        window = {
            "ending_after": ending_after,
            "ending_before": ending_before,
            "after": after,
            "limit": limit,
        }
        shown = {"shown": [state.value for state in DELIVERABLE_STATES], "reminder": REMINDER}
        rows = self._connection.execute(_UNFETCHED, {**window, **shown})
        return [(OrderId(row.order_id), DownloadLinkId(row.link_id)) for row in rows]

    def needing_attention(self) -> list[OrderId]:
        return [OrderId(order_id) for order_id in self._connection.execute(_NEEDING_ATTENTION).scalars()]

    def find_by_messages(self, message_ids: Collection[str]) -> Mapping[str, tuple[OrderId, EmailId]]:
        mails = email_queue.c
        rows = self._connection.execute(
            select(mails.message_id, mails.order_id, mails.email_id).where(
                mails.message_id.in_(list(message_ids))
            )
        )
        return {row.message_id: (OrderId(row.order_id), EmailId(row.email_id)) for row in rows}

    def finished(self, before: datetime, after: OrderId | None, limit: int) -> list[OrderId]:
        rows = self._connection.execute(_FINISHED, {"before": before, "after": after, "limit": limit})
        return [OrderId(order_id) for order_id in rows.scalars()]
