"""Payments that belong to no order, one row each."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.row_objects import object_of
from adapters.postgres.tables import unmatched_payments as table
from domain.ports.unmatched_payments import UnmatchedPayments
from domain.unmatched_payment import UnmatchedPayment, UnmatchedStatus

_UNSETTLED = (UnmatchedStatus.OPEN, UnmatchedStatus.REFUNDING)


class PostgresUnmatchedPayments(UnmatchedPayments):
    """The unmatched payments on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, payment: UnmatchedPayment) -> None:
        self._connection.execute(insert(table).values(_row(payment)).on_conflict_do_nothing())

    def find(self, checkout_session_id: str, *, lock: bool = False) -> UnmatchedPayment | None:
        return self._find(select(table).where(table.c.checkout_session_id == checkout_session_id), lock=lock)

    def find_by_payment(self, payment_intent_id: str, *, lock: bool = False) -> UnmatchedPayment | None:
        return self._find(select(table).where(table.c.payment_intent_id == payment_intent_id), lock=lock)

    def save(self, payment: UnmatchedPayment) -> None:
        self._connection.execute(
            update(table)
            .where(table.c.checkout_session_id == payment.checkout_session_id)
            .values(_row(payment))
        )

    def unsettled(self) -> list[UnmatchedPayment]:
        rows = self._connection.execute(
            select(table).where(table.c.status.in_(_UNSETTLED)).order_by(table.c.received_at)
        )
        return [_payment(row) for row in rows]

    def due(self, received_before: datetime, now: datetime) -> list[str]:
        has_waited = and_(
            table.c.received_at < received_before,
            table.c.upload_session_id.is_not(None),
            table.c.is_held.is_(False),
        )
        is_owed = and_(table.c.status == UnmatchedStatus.OPEN, or_(has_waited, table.c.actor.is_not(None)))
        may_be_tried = or_(table.c.retry_at.is_(None), table.c.retry_at <= now)
        found = self._connection.execute(
            select(table.c.checkout_session_id)
            .where(or_(is_owed, table.c.status == UnmatchedStatus.REFUNDING), may_be_tried)
            .order_by(table.c.received_at)
        )
        return list(found.scalars())

    def _find(self, query: Select[Any], *, lock: bool) -> UnmatchedPayment | None:
        row = self._connection.execute(query.with_for_update() if lock else query).one_or_none()
        return _payment(row) if row is not None else None


def _row(payment: UnmatchedPayment) -> dict[str, Any]:
    row = asdict(payment)
    paid = row.pop("paid")
    return {**row, **paid}


def _payment(row: Row[Any]) -> UnmatchedPayment:
    return object_of(row, UnmatchedPayment, paid={"amount": row.amount, "currency": row.currency})
