"""The contents of an evidence pack, and the port that prints it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.order.ledger import Dispute
from domain.order.order import Payment
from domain.order.values import Money, OrderId, Sha256, StoredObject
from domain.ports.customers import Customer
from domain.ports.notes import Note


class ObjectState(StrEnum):
    """The result of verifying a stored object against the log."""

    VERIFIED = "verified"  # its bytes match the recorded checksum
    DIFFERS = "differs"
    MISSING = "missing"
    DELETED = "deleted"  # deleted after retention, as recorded


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """An object as recorded and as found.

    ``thumbnail`` is a small JPEG of an image whose bytes match the record.
    """

    caption: str
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
    share: Money
    standing: str
    before: Exhibit
    after: tuple[Exhibit, ...]


@dataclass(frozen=True, kw_only=True)
class EvidenceLine:
    """An event in words; ``reference`` is the provider's id for it."""

    version: int
    at: datetime
    who: str
    text: str
    reference: str | None
    sha256: Sha256
    is_sound: bool


@dataclass(frozen=True, kw_only=True)
class Balance:
    """The amounts of an order at present."""

    paid: Money
    refunded: Money
    on_its_way_back: Money
    disputed: Money
    lost: Money


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The contents of a pack.

    ``problems`` are sentences on verification failures.
    """

    made_at: datetime
    order_id: OrderId
    payment: Payment
    standing: str
    customer: Customer | None  # none once erased
    disputes: tuple[Dispute, ...]
    balance: Balance
    photos: tuple[PhotoEvidence, ...]
    archives: tuple[Exhibit, ...]
    photos_gone: str | None  # a sentence, once the photos were deleted
    lines: tuple[EvidenceLine, ...]
    deliveries: tuple[EvidenceLine, ...]
    money: tuple[EvidenceLine, ...]
    notes: tuple[Note, ...] | None  # none unless requested
    chained_events: int
    head: Sha256 | None
    problems: tuple[str, ...]

    @property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """Every exhibit: photo by photo, then the archives."""
        return (*(each for photo in self.photos for each in (photo.before, *photo.after)), *self.archives)


class EvidencePrinter(Protocol):
    """Prints the page that the bank reads."""

    def page(self, evidence: Evidence) -> str:
        """One self-contained HTML page without scripts or external requests."""
        ...
