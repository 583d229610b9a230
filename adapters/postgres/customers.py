"""Customers and their order numbers, the providers' inbox, and the shelf of orders."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row, Select, and_, select, text
from sqlalchemy.exc import IntegrityError

from adapters.postgres.order_queries import conditions_of
from adapters.postgres.tables import customers, email_queue, orders, webhook_conflicts, webhook_inbox
from domain.order.lifecycle import SHOWN
from domain.order.values import CustomerId, DownloadLinkId, EmailId, Money, OrderId, OrderNumber, Sha256
from domain.ports.customers import (
    REMINDER,
    UNSEEN,
    Conflict,
    Customer,
    CustomerRegister,
    Inbox,
    OrderShelf,
    OrderSummary,
)
from domain.ports.order_queries import ALL_ORDERS, OrderFilter
from domain.referral_program import referral_codes_of

#: One round trip for all. Of two who are given the same code at the same moment, one's payment has to come again. The
#: counter's row stays locked until the transaction ends, which keeps numbers gap-free.
_KNOW_SQL = """INSERT INTO customers (customer_id, email, name, locale, referral_code)
        VALUES (:customer_id, :email, :name, :locale, (
            SELECT code FROM unnest(CAST(:codes AS text[])) WITH ORDINALITY AS proposed (code, place)
            WHERE NOT EXISTS (SELECT FROM customers WHERE referral_code = code)
            ORDER BY place LIMIT 1
        ))
        ON CONFLICT (lower(email)) DO UPDATE
            SET name = coalesce(EXCLUDED.name, customers.name),
                locale = coalesce(EXCLUDED.locale, customers.locale)
        RETURNING customer_id"""
_KNOW = text(_KNOW_SQL)
_RECEIVE = text(
    f"""WITH known AS (
        {_KNOW_SQL}
    ), counted AS (
        INSERT INTO order_numbers (day, last_number) VALUES (:day, 1)
        ON CONFLICT (day) DO UPDATE SET last_number = order_numbers.last_number + 1
        RETURNING last_number
    )
    SELECT known.customer_id, counted.last_number FROM known, counted"""
)
_TAKE = text(
    """INSERT INTO webhook_inbox (source, event_id, event_type, body_sha256, received_at)
    VALUES (:source, :event_id, :event_type, :body_sha256, :received_at)
    ON CONFLICT DO NOTHING"""
)
#: A statement of its own, so that it sees what another transaction has just committed.
_SET_ASIDE_CONFLICT = text(
    """INSERT INTO webhook_conflicts (source, event_id, event_type, body_sha256, received_at)
    SELECT source, event_id, :event_type, :body_sha256, :received_at FROM webhook_inbox
    WHERE source = :source AND event_id = :event_id AND body_sha256 <> :body_sha256
      AND :unseen NOT IN (body_sha256, :body_sha256)
    ON CONFLICT DO NOTHING"""
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
      AND (CAST(:after AS uuid) IS NULL OR link_id > :after)
      AND NOT EXISTS (
        SELECT FROM download_links AS other WHERE other.order_id = link.order_id
          AND (other.openings > 0 OR (other.expires_at > link.expires_at AND NOT other.is_revoked))
      )
      AND NOT EXISTS (
        SELECT FROM email_queue JOIN orders AS theirs USING (order_id)
        WHERE opt_out IS NOT NULL AND theirs.customer_id = orders.customer_id
      )
      AND NOT EXISTS (
        SELECT FROM events WHERE events.order_id = link.order_id AND events.cause = :reminder || link_id
      )
    ORDER BY link_id LIMIT :limit"""
)
#: The address's index decides who has it, also when two ask at once.
_CHANGE_EMAIL = text(
    "UPDATE customers SET email = :email WHERE customer_id = :customer_id AND erased_at IS NULL"
)
_IN_TROUBLE = text(
    """SELECT order_id FROM orders WHERE hold_reason IS NOT NULL OR is_disputed OR has_open_inquiry
    UNION SELECT order_id FROM email_queue WHERE status IN ('failed', 'bounced')
      OR opt_out IS NOT NULL
    ORDER BY order_id"""
)
_CONFLICTS = (
    select(webhook_conflicts, webhook_inbox.c.body_sha256.label("taken_sha256"))
    .join_from(
        webhook_conflicts,
        webhook_inbox,
        and_(
            webhook_inbox.c.source == webhook_conflicts.c.source,
            webhook_inbox.c.event_id == webhook_conflicts.c.event_id,
        ),
    )
    .order_by(webhook_conflicts.c.received_at, webhook_conflicts.c.event_id)
)

_log = structlog.get_logger(__name__)


class PostgresCustomerRegister(CustomerRegister):
    """The register on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def receive(
        self,
        customer_id: CustomerId,
        email: str,
        name: str | None,
        locale: str | None,
        day: date,
        number: OrderNumber | None = None,
    ) -> tuple[CustomerId, OrderNumber]:
        """Find or add the customer and give the day's next number, in one round trip."""
        who = {"customer_id": customer_id, "email": email, "name": name, "locale": locale}
        codes = list(referral_codes_of(customer_id))
        if number is not None:
            known = self._connection.execute(_KNOW, {**who, "codes": codes}).scalar_one()
            return CustomerId(known), number
        row = self._connection.execute(_RECEIVE, {**who, "codes": codes, "day": day}).one()
        return CustomerId(row.customer_id), OrderNumber(f"{day:%Y%m%d}-{row.last_number:06}")

    def find(self, customer_id: CustomerId, *, lock: bool = False) -> Customer | None:
        """The customer, unless they were erased; see the port."""
        is_there = customers.c.erased_at.is_(None)
        return self._one(select(customers).where(customers.c.customer_id == customer_id, is_there), lock=lock)

    def find_by_referral_code(self, code: str, *, lock: bool = False) -> Customer | None:
        """The customer with this code; see the port."""
        return self._one(select(customers).where(customers.c.referral_code == code), lock=lock)

    def _one(self, query: Select[Any], *, lock: bool) -> Customer | None:
        if lock:
            # Rows that refer to the customer may be written meanwhile.
            query = query.with_for_update(key_share=True)
        row = self._connection.execute(query).one_or_none()
        return customer_of(row) if row is not None else None

    def change_email(self, customer_id: CustomerId, email: str) -> bool:
        """Give a customer another address; a savepoint keeps the transaction whole if another has it."""
        try:
            with self._connection.begin_nested():
                changed = self._connection.execute(
                    _CHANGE_EMAIL, {"customer_id": customer_id, "email": email}
                )
        except IntegrityError:
            return False
        return changed.rowcount == 1


def customer_of(row: Row[Any]) -> Customer:
    """A row of ``customers``, of somebody who was not erased."""
    return Customer(
        customer_id=CustomerId(row.customer_id),
        email=row.email,
        name=row.name,
        locale=row.locale,
        referral_code=row.referral_code,
    )


_FORGET = text(
    """DELETE FROM webhook_inbox AS old USING (
        SELECT source, event_id FROM webhook_inbox AS inbox WHERE received_at < :before
          AND NOT EXISTS (
              SELECT FROM webhook_conflicts AS other
              WHERE other.source = inbox.source AND other.event_id = inbox.event_id
          )
        ORDER BY received_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ) AS chosen WHERE old.source = chosen.source AND old.event_id = chosen.event_id"""
)


class PostgresInbox(Inbox):
    """The inbox on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, source: str, event_id: str, event_type: str, body_sha256: Sha256, now: datetime) -> bool:
        """Whether this message is new; another one under a known id is kept by its fingerprint, and logged."""
        message = {
            "source": source,
            "event_id": event_id,
            "event_type": event_type,
            "body_sha256": body_sha256,
            "received_at": now,
        }
        if self._connection.execute(_TAKE, message).rowcount == 1:
            return True
        if self._connection.execute(_SET_ASIDE_CONFLICT, {**message, "unseen": UNSEEN}).rowcount == 1:
            _log.error("webhook_conflict", source=source, event_id=event_id, body_sha256=body_sha256)
        return False

    def forget(self, before: datetime, limit: int) -> int:
        """Delete old messages; those that another one conflicts with are kept to compare."""
        return self._connection.execute(_FORGET, {"before": before, "limit": limit}).rowcount

    def conflicts(self) -> list[Conflict]:
        """The messages that were set aside."""
        return [
            Conflict(
                source=row.source,
                event_id=row.event_id,
                event_type=row.event_type,
                body_sha256=row.body_sha256,
                taken_sha256=row.taken_sha256,
                received_at=row.received_at,
            )
            for row in self._connection.execute(_CONFLICTS)
        ]


class PostgresOrderShelf(OrderShelf):
    """The shelf on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest(self, limit: int, wanted: OrderFilter = ALL_ORDERS) -> list[OrderSummary]:
        """The orders that match, the newest first, in one query."""
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

    def find(self, number: OrderNumber) -> OrderId | None:
        """The order with this number."""
        found = self._connection.execute(select(orders.c.order_id).where(orders.c.number == number))
        order_id = found.scalar_one_or_none()
        return OrderId(order_id) if order_id is not None else None

    def unfetched(
        self, ending_after: datetime, ending_before: datetime, after: DownloadLinkId | None, limit: int
    ) -> list[tuple[OrderId, DownloadLinkId]]:
        """Links of which customers should be reminded; see the port."""
        asked = {"ending_after": ending_after, "ending_before": ending_before, "after": after, "limit": limit}
        shown = {"shown": [state.value for state in SHOWN], "reminder": REMINDER}
        rows = self._connection.execute(_UNFETCHED, {**asked, **shown})
        return [(OrderId(row.order_id), DownloadLinkId(row.link_id)) for row in rows]

    def in_trouble(self) -> list[OrderId]:
        """The orders that may need a person, in one query."""
        return [OrderId(order_id) for order_id in self._connection.execute(_IN_TROUBLE).scalars()]

    def find_by_messages(self, message_ids: Collection[str]) -> Mapping[str, tuple[OrderId, EmailId]]:
        """The order and mail behind each message id that is on record, in one query."""
        mails = email_queue.c
        rows = self._connection.execute(
            select(mails.message_id, mails.order_id, mails.email_id).where(
                mails.message_id.in_(list(message_ids))
            )
        )
        return {row.message_id: (OrderId(row.order_id), EmailId(row.email_id)) for row in rows}

    def finished(self, before: datetime, after: OrderId | None, limit: int) -> list[OrderId]:
        """Orders that were over before a moment and whose photos are kept; see the port."""
        rows = self._connection.execute(_FINISHED, {"before": before, "after": after, "limit": limit})
        return [OrderId(order_id) for order_id in rows.scalars()]
