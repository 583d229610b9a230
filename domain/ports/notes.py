"""The port for staff notes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.order.values import (
    NoteId,
    OrderId,
)


@dataclass(frozen=True, kw_only=True)
class Note:
    """A note by ``actor``, stored outside the log, where it is erasable."""

    note_id: NoteId
    order_id: OrderId
    actor: str
    text: str
    written_at: datetime


class Notes(Protocol):
    """Notes; the log has only their ids."""

    def write(self, note: Note) -> None:
        """Store a note."""

    def of(self, order_id: OrderId) -> list[Note]:
        """An order's notes, oldest first."""
