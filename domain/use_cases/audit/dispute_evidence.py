"""The evidence pack for a disputed payment.

It shows what was ordered, delivered and downloaded. Its readers know the customer, so it names them. When the pack is
made, the log is verified against its hashes and the storage against the log; discrepancies are reported, never left
out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.order import events as e
from domain.order.errors import ShopError
from domain.order.evolve import fold
from domain.order.ledger import Dispute
from domain.order.order import Order
from domain.order.values import OrderId, PhotoId
from domain.ports.archives import Archiver
from domain.ports.clock import Clock
from domain.ports.customers import Customer
from domain.ports.dispute_evidence import Evidence, EvidenceWriter, PhotosDeleted
from domain.ports.event_store import ChainedEvent
from domain.ports.images import Thumbnailer
from domain.ports.notes import Note
from domain.ports.object_storage import ObjectStorage
from domain.ports.scratch_files import ScratchFiles
from domain.ports.unit_of_work import (
    HasCustomers,
    HasEventStore,
    HashChain,
    HasNotes,
    HasUploadSessions,
    UnitOfWork,
)
from domain.use_cases.audit.dispute_evidence_objects import ObjectExaminer, Watch
from domain.use_cases.audit.log_verification import verify


class DisputeEvidenceRepositories(HasCustomers, HasEventStore, HasNotes, HasUploadSessions, Protocol):
    """The repositories that dispute evidence is collected from."""


class NothingToProveError(ShopError):
    """The log lacks the beginning of the order."""

    def __init__(self, order_id: OrderId) -> None:
        self.order_id = order_id
        super().__init__(
            f"The log does not hold how order {order_id} began, so it has no timeline: verify the log."
        )


class UnknownDisputeError(ShopError):
    """The order has no dispute with this id."""

    def __init__(self, dispute_id: str, known: Sequence[str]) -> None:
        self.dispute_id = dispute_id
        self.known = tuple(known)
        there = f"it has {', '.join(known)}" if known else "the shop knows of none"
        super().__init__(
            f"The order has no dispute {dispute_id} ({there}): leave it out, or give the right one."
        )


@dataclass(frozen=True, kw_only=True)
class EvidencePack:
    """The pack as an archive of known length, and its evidence."""

    evidence: Evidence
    size_bytes: int
    content: Iterator[bytes]


@dataclass(frozen=True, kw_only=True)
class _Record:
    """An order's records; ``history`` ends before the first missing event."""

    order: Order
    history: Sequence[e.RecordedEvent]
    chain: Sequence[ChainedEvent]
    customer: Customer | None
    names: dict[PhotoId, str]
    notes: tuple[Note, ...] | None


@dataclass(eq=False, kw_only=True)
class DisputeEvidence:
    """Builds evidence packs."""

    unit_of_work: UnitOfWork[DisputeEvidenceRepositories]
    hash_chain: HashChain
    storage: ObjectStorage
    thumbnailer: Thumbnailer
    writer: EvidenceWriter
    archiver: Archiver
    scratch: ScratchFiles
    clock: Clock

    def pack(
        self,
        order_id: OrderId,
        *,
        dispute_id: str | None = None,
        has_notes: bool = False,
        watch: Watch = lambda _done, _of: None,
    ) -> EvidencePack:
        """Verify and collect the evidence about an order.

        ``dispute_id`` selects one of its disputes. Each photo is read once, and only its thumbnail is held in memory.
        The text of notes is left out unless ``has_notes``. Raises UnknownDisputeError or NothingToProveError.
        """
        record = self._record(order_id, has_notes=has_notes)
        disputes = _chosen(record.order, dispute_id)
        evidence = self._evidence(record, disputes, watch)
        size_bytes, content = self.archiver.archive(self.writer.files(evidence))
        return EvidencePack(evidence=evidence, size_bytes=size_bytes, content=content)

    def _record(self, order_id: OrderId, *, has_notes: bool) -> _Record:
        with self.unit_of_work.transaction() as transaction:
            stream = transaction.event_store.history(order_id)
            names = transaction.upload_sessions.file_names(order_id)
            notes = tuple(transaction.notes.of(order_id)) if has_notes else None
        # Events after a gap may refer to data that is missing.
        history = [recorded for number, recorded in enumerate(stream, start=1) if recorded.version == number]
        order = fold(order_id, history)
        if order.payment is None:
            raise NothingToProveError(order_id)
        newest = stream[-1].version
        # Events recorded since are not in this pack, so they are not in its chain.
        chain = [event for event in self.hash_chain.chained_events(order_id) if event.version <= newest]
        with self.unit_of_work.transaction() as transaction:
            customer = transaction.customers.find(order.payment.customer_id)
        return _Record(
            order=order,
            history=history,
            chain=chain,
            customer=customer,
            names=names,
            notes=notes,
        )

    def _evidence(self, record: _Record, disputes: tuple[Dispute, ...], watch: Watch) -> Evidence:
        deleted = _photos_deleted(record.history)
        examiner = ObjectExaminer(
            self.storage, self.thumbnailer, self.scratch, watch, is_gone=deleted is not None
        )
        photos, archives = examiner.examine(record.order, record.names)
        return Evidence(
            made_at=self.clock.now(),
            order=record.order,
            history=record.history,
            chain=record.chain,
            defects=verify(record.chain).findings,
            customer=record.customer,
            disputes=disputes,
            photos=photos,
            archives=archives,
            photos_deleted=deleted,
            notes=record.notes,
        )


def _chosen(order: Order, dispute_id: str | None) -> tuple[Dispute, ...]:
    if dispute_id is None:
        return tuple(order.disputes.values())
    if dispute_id not in order.disputes:
        raise UnknownDisputeError(dispute_id, list(order.disputes))
    return (order.disputes[dispute_id],)


def _photos_deleted(history: Sequence[e.RecordedEvent]) -> PhotosDeleted | None:
    for recorded in reversed(history):
        if isinstance(recorded.event, e.OrderErased | e.PhotosPurged):
            return PhotosDeleted(
                at=recorded.recorded_at, by_erasure=isinstance(recorded.event, e.OrderErased)
            )
    return None
