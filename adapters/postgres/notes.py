"""Notes of staff about orders."""

from sqlalchemy import Connection, insert, select

from adapters.postgres import tables
from domain.order.values import NoteId, OrderId
from domain.ports.notes import Note, Notes


class PostgresNotes(Notes):
    """The notes table on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, note: Note) -> None:
        self._connection.execute(
            insert(tables.notes).values(
                note_id=note.note_id,
                order_id=note.order_id,
                actor=note.actor,
                text=note.text,
                written_at=note.written_at,
            )
        )

    def of(self, order_id: OrderId) -> list[Note]:
        rows = self._connection.execute(
            select(tables.notes)
            .where(tables.notes.c.order_id == order_id)
            .order_by(tables.notes.c.written_at, tables.notes.c.note_id)
        )
        return [
            Note(
                note_id=NoteId(row.note_id),
                order_id=OrderId(row.order_id),
                actor=row.actor,
                text=row.text,
                written_at=row.written_at,
            )
            for row in rows
        ]
