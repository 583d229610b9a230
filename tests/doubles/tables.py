"""The tables of the in-memory database, with frozen values as rows."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from adapters.postgres.read_models import Rows
from domain.order.events import RecordedEvent
from domain.order.order import Order
from domain.order.values import CustomerId, NoteId, OrderId, Sha256, UploadSessionId
from domain.ports.backup_runs import RunEnd, RunKind
from domain.ports.customers import Customer
from domain.ports.event_store import LogCursor, UnreadableEvent
from domain.ports.notes import Note
from domain.ports.personal_data import Erasure
from domain.ports.reconciliation_rounds import UnfinishedRound
from domain.ports.resumable_uploads import ResumableUpload, ResumableUploadId
from domain.ports.webhook_inbox import Conflict
from domain.unmatched_payment import UnmatchedPayment
from tests.doubles.transaction_overlay import TableOverlay, TransactionWrites

if TYPE_CHECKING:
    from tests.doubles.idempotency_keys import KeyRow
    from tests.doubles.owner_letters import LetterRow
    from tests.doubles.reaction_table import Work
    from tests.doubles.upload_sessions import UploadRow

K = TypeVar("K")
V = TypeVar("V")

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class Tables:
    """All rows, for tests to read and never to write."""

    uploads: MutableMapping[UploadSessionId, UploadRow] = field(default_factory=dict)
    resumable: MutableMapping[ResumableUploadId, ResumableUpload] = field(default_factory=dict)
    idempotency_keys: MutableMapping[Sha256, KeyRow] = field(default_factory=dict)
    customers: MutableMapping[CustomerId, Customer] = field(default_factory=dict)
    last_numbers: MutableMapping[date, int] = field(default_factory=dict)
    inbox: MutableMapping[tuple[str, str], tuple[str, Sha256, datetime]] = field(default_factory=dict)
    conflicts: MutableMapping[tuple[str, str, str], Conflict] = field(default_factory=dict)
    unmatched: MutableMapping[str, UnmatchedPayment] = field(default_factory=dict)
    erasures: MutableMapping[UUID, Erasure] = field(default_factory=dict)
    notes: MutableMapping[NoteId, Note] = field(default_factory=dict)
    work: MutableMapping[UUID, Work] = field(default_factory=dict)
    #: Admitted starts at the restorer, whatever became of them, with their orders.
    admissions: MutableMapping[tuple[UUID, datetime], OrderId] = field(default_factory=dict)
    paused_until: MutableMapping[str, datetime] = field(default_factory=dict)  # one row at most
    log: MutableMapping[LogCursor, RecordedEvent] = field(default_factory=dict)  # in commit order
    streams: MutableMapping[OrderId, tuple[RecordedEvent, ...]] = field(default_factory=dict)
    unreadable: MutableMapping[OrderId, UnreadableEvent] = field(default_factory=dict)
    orders: MutableMapping[OrderId, Order] = field(default_factory=dict)  # the folds of the streams
    rows: MutableMapping[OrderId, Rows] = field(
        default_factory=dict
    )  # the read models, written change by change
    rounds: MutableMapping[datetime, datetime | None] = field(
        default_factory=dict
    )  # of comparisons: begun, ended
    unfinished_rounds: MutableMapping[datetime, UnfinishedRound] = field(default_factory=dict)

    backup_runs: MutableMapping[tuple[RunKind, datetime], RunEnd | None] = field(default_factory=dict)
    owner_letters: MutableMapping[str, LetterRow] = field(default_factory=dict)
    usage: MutableMapping[tuple[str, datetime], int] = field(default_factory=dict)  # by quota and window

    def draft(self, writing: TransactionWrites) -> DraftTables:
        """The same tables as a transaction sees them."""
        return DraftTables(self, writing)


class DraftTables(Tables):
    """The tables of one transaction, each created on first access."""

    def __init__(self, kept: Tables, writing: TransactionWrites) -> None:
        self._kept = kept
        self._writing = writing
        self._drafts: dict[str, TableOverlay[Any, Any]] = {}

    def __getattr__(self, name: str) -> TableOverlay[Any, Any]:
        draft = self._drafts[name] = TableOverlay(name, getattr(self._kept, name), self._writing)
        setattr(self, name, draft)
        return draft

    @property
    def is_written(self) -> bool:
        """Whether the transaction wrote anything."""
        return any(draft.written for draft in self._drafts.values())

    def written(self, name: str) -> dict[Any, Any]:
        """The existing rows that were written into a table."""
        draft = self._drafts.get(name)
        return {} if draft is None else {key: row for key, row in draft.written.items() if key in draft}

    def keep(self) -> None:
        """Commit: apply the writes to the tables this is a draft of."""
        for draft in self._drafts.values():
            draft.keep()


def hold(table: MutableMapping[K, V], key: K) -> None:
    """Lock a row of a draft until its transaction ends.

    The row need not exist.
    """
    if isinstance(table, TableOverlay):
        table.hold(key)


def is_held_by_another(table: MutableMapping[K, V], key: K) -> bool:
    """Whether another transaction has locked a row of a draft."""
    return isinstance(table, TableOverlay) and table.is_held_by_another(key)
