"""How far the in-memory log has come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from domain.ports.log_recovery import LogRecovery, NewestEvent
from domain.signed_tokens import sha256_of

if TYPE_CHECKING:
    from tests.doubles.tables import Tables


class InMemoryLogRecovery(LogRecovery):
    """Queries on the in-memory tables."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def newest_event(self) -> NewestEvent | None:
        events = list(self._pages.log.values())
        if not events:
            return None
        recorded = max(events, key=lambda one: one.position or 0)
        return NewestEvent(
            event_id=recorded.event_id,
            sha256=sha256_of(str(recorded.event_id)),
            position=recorded.position or 0,
            recorded_at=recorded.recorded_at,
        )

    def has_event(self, event_id: UUID) -> bool:
        return any(recorded.event_id == event_id for recorded in self._pages.log.values())

    def order_counters(self, since: date) -> Mapping[date, int]:
        counters = self._pages.last_numbers
        return {day: counters[day] for day in sorted(counters) if day >= since}

    def skip_order_numbers(self, day: date, up_to: int) -> None:
        if up_to > 0:
            self._pages.last_numbers[day] = max(up_to, self._pages.last_numbers.get(day, 0))
