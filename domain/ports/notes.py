"""Notes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.order.values import (
    NoteId,
    OrderId,
)


@dataclass(frozen=True, kw_only=True)
class Note:
    """A person's words about an order, kept outside the log so that they can be erased; ``actor`` wrote them."""

    note_id: NoteId
    order_id: OrderId
    actor: str
    text: str
    written_at: datetime


class Notes(Protocol):
    """What people wrote about orders: the log only knows that they did."""

    def write(self, note: Note) -> None:
        """Keep a note."""
        ...

    def of(self, order_id: OrderId) -> list[Note]:
        """An order's notes, oldest first."""
        ...
