"""The contents of an evidence pack, and the port that prints it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.order.events import RecordedEvent
from domain.order.image import Image
from domain.order.ledger import Dispute
from domain.order.order import Order
from domain.order.values import Sha256, StoredObject
from domain.ports.archives import ArchiveEntry
from domain.ports.customers import Customer
from domain.ports.event_store import ChainedEvent
from domain.ports.log_defects import LogDefect
from domain.ports.notes import Note


class ObjectState(StrEnum):
    """The result of verifying a stored object against the log."""

    VERIFIED = "verified"  # its bytes match the recorded checksum
    DIFFERS = "differs"
    MISSING = "missing"
    DELETED = "deleted"  # deleted after retention, as recorded


class ObjectRole(StrEnum):
    """What an object is to its order."""

    ORIGINAL = "original"
    RESULT = "result"
    EARLIER_RESULT = "earlier_result"
    ARCHIVE = "archive"


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """An object as recorded and as found.

    ``number`` is the photo's, or the archive's; ``thumbnail`` is a small JPEG of a picture that is what was recorded.
    """

    role: ObjectRole
    number: int
    stored: StoredObject
    state: ObjectState
    found_sha256: Sha256 | None = None
    thumbnail: bytes | None = None

    @property
    def is_sound(self) -> bool:
        """Whether the object is as the log records it."""
        return self.state in {ObjectState.VERIFIED, ObjectState.DELETED}


@dataclass(frozen=True, kw_only=True)
class PhotoEvidence:
    """One photo before restoration, and each delivered result, newest first."""

    number: int
    file_name: str | None  # as the customer named it
    image: Image
    before: Exhibit
    after: tuple[Exhibit, ...]


@dataclass(frozen=True, kw_only=True)
class PhotosDeleted:
    """When the photos were deleted, at erasure or after retention."""

    at: datetime
    by_erasure: bool


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that a pack holds about an order."""

    made_at: datetime
    order: Order
    history: Sequence[RecordedEvent]  # up to the first event that is missing
    chain: Sequence[ChainedEvent]
    defects: Sequence[LogDefect]
    customer: Customer | None  # none once they were erased
    disputes: tuple[Dispute, ...]
    photos: tuple[PhotoEvidence, ...]
    archives: tuple[Exhibit, ...]
    photos_deleted: PhotosDeleted | None
    notes: tuple[Note, ...] | None  # none unless they were asked for

    @property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """Every exhibit: photo by photo, then the archives."""
        return (*(each for photo in self.photos for each in (photo.before, *photo.after)), *self.archives)

    @property
    def head(self) -> Sha256 | None:
        """The hash of the newest event."""
        return self.chain[-1].sha256 if self.chain else None


class EvidenceWriter(Protocol):
    """Writes the files of a pack."""

    def files(self, evidence: Evidence) -> list[ArchiveEntry]:
        """The files: first a self-contained HTML page, then its proofs."""
