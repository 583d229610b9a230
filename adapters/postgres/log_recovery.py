"""The position of the log and the order-number counters, for recovery."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.row_objects import object_of
from adapters.postgres.tables import events, order_numbers
from domain.ports.log_recovery import LogRecovery, NewestEvent


class PostgresLogRecovery(LogRecovery):
    """The recovery queries on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest_event(self) -> NewestEvent | None:
        """Return the event of the highest position.

        Not by transaction id: those start again lower after a dump was restored.
        """
        row = self._connection.execute(
            select(events.c.event_id, events.c.sha256, events.c.position, events.c.recorded_at)
            .order_by(events.c.position.desc())
            .limit(1)
        ).one_or_none()
        return None if row is None else object_of(row, NewestEvent)

    def has_event(self, event_id: UUID) -> bool:
        found = self._connection.execute(select(events.c.position).where(events.c.event_id == event_id))
        return found.one_or_none() is not None

    def order_counters(self, since: date) -> Mapping[date, int]:
        rows = self._connection.execute(
            select(order_numbers).where(order_numbers.c.day >= since).order_by(order_numbers.c.day)
        )
        return {row.day: row.last_number for row in rows}

    def skip_order_numbers(self, day: date, up_to: int) -> None:
        if up_to <= 0:
            return
        counter = insert(order_numbers).values(day=day, last_number=up_to)
        self._connection.execute(
            counter.on_conflict_do_update(
                index_elements=["day"],
                set_={"last_number": func.greatest(order_numbers.c.last_number, up_to)},
            )
        )
