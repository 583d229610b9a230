"""Notes in memory."""

from domain.order.values import OrderId
from domain.ports.notes import Note, Notes
from tests.doubles.tables import Tables


class InMemoryNotes(Notes):
    """Notes of staff about orders."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def write(self, note: Note) -> None:
        self._pages.notes[note.note_id] = note

    def of(self, order_id: OrderId) -> list[Note]:
        mine = (note for note in self._pages.notes.values() if note.order_id == order_id)
        return sorted(mine, key=lambda note: (note.written_at, note.note_id))
