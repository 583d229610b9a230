"""Notes of staff about orders."""

from dataclasses import asdict

from sqlalchemy import Connection, insert, select

from adapters.postgres.row_objects import object_of
from adapters.postgres.tables import notes
from domain.order.values import OrderId
from domain.ports.notes import Note, Notes


class PostgresNotes(Notes):
    """The notes table on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, note: Note) -> None:
        self._connection.execute(insert(notes).values(asdict(note)))

    def of(self, order_id: OrderId) -> list[Note]:
        rows = self._connection.execute(
            select(notes).where(notes.c.order_id == order_id).order_by(notes.c.written_at, notes.c.note_id)
        )
        return [object_of(row, Note) for row in rows]
