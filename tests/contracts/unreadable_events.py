"""Make stored events unreadable, in the double and in PostgreSQL."""

from dataclasses import dataclass

import psycopg
import pytest

from adapters.postgres.event_codec import Codec
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.values import OrderId
from domain.ports.errors import UnreadableEventError
from domain.ports.event_store import UnreadableEvent
from domain.ports.unit_of_work import Database
from tests.changeable_log import changeable_log
from tests.doubles.unit_of_work import InMemoryUnitOfWork


@dataclass(frozen=True)
class Damage:
    """What an event is changed to; what is None stays."""

    stored_name: str | None = None
    data: str | None = None


DAMAGES = {
    "unknown name": Damage(stored_name="order.framed.v1"),
    "newer version": Damage(stored_name="order.payment_received.v99"),
    "damaged fields": Damage(data='{"photos": 7}'),
    "damaged fields of an old version": Damage(stored_name="order.payment_received.v1", data="[]"),
}


def spoil_in_memory(
    unit_of_work: InMemoryUnitOfWork, order_id: OrderId, damage: Damage, *, version: int = 1
) -> None:
    """Make the double refuse the order as the codec refuses the event."""
    pages = unit_of_work.pages
    recorded = pages.streams[order_id][version - 1]
    stored_name = damage.stored_name or Codec().stored_name(recorded.event)
    with pytest.raises(UnreadableEventError) as refusal:
        Codec().decode(stored_name, damage.data or "{}")
    payment = pages.orders[order_id].payment
    pages.unreadable[order_id] = UnreadableEvent(
        event_id=recorded.event_id,
        order_id=order_id,
        number=payment.order_number if payment else None,
        version=version,
        position=recorded.position or 0,
        stored_name=stored_name,
        recorded_at=recorded.recorded_at,
        actor=recorded.actor,
        detail=refusal.value.detail,
    )


def spoil_in_postgres(database_url: str, order_id: OrderId, damage: Damage, *, version: int = 1) -> None:
    """Change the stored row, with the append-only trigger disabled."""
    with psycopg.connect(database_url) as connection, changeable_log(connection):
        changed = connection.execute(
            """UPDATE events SET name = coalesce(%s, name), data = coalesce(%s::jsonb, data)
            WHERE order_id = %s AND version = %s""",
            (damage.stored_name, damage.data, order_id, version),
        )
        assert changed.rowcount == 1


@dataclass(frozen=True)
class Spoiler:
    """Spoils events of one unit of work."""

    unit_of_work: Database
    database_url: str | None = None

    def __call__(self, order_id: OrderId, damage: Damage, *, version: int = 1) -> None:
        if isinstance(self.unit_of_work, InMemoryUnitOfWork):
            spoil_in_memory(self.unit_of_work, order_id, damage, version=version)
        else:
            assert isinstance(self.unit_of_work, PostgresUnitOfWork)
            assert self.database_url is not None
            spoil_in_postgres(self.database_url, order_id, damage, version=version)
