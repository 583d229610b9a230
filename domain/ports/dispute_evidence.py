"""What a pack for a bank tells of one order, and who prints it."""

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
    """What came of reading an object that the log names."""

    VERIFIED = "verified"  # its bytes are those that were recorded
    DIFFERS = "differs"
    MISSING = "missing"
    DELETED = "deleted"  # its time was over, as the log says


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """An object as recorded and as found; ``thumbnail`` is a small JPEG of a picture that is what was recorded."""

    caption: str
    stored: StoredObject
    state: ObjectState
    found_sha256: Sha256 | None = None
    thumbnail: bytes | None = None

    @property
    def is_sound(self) -> bool:
        """Whether it is as it should be."""
        return self.state in {ObjectState.VERIFIED, ObjectState.DELETED}


@dataclass(frozen=True, kw_only=True)
class PhotoEvidence:
    """One photo before, and after each attempt that was delivered, the newest first."""

    number: int
    file_name: str | None  # the customer's own
    share: Money
    standing: str
    before: Exhibit
    after: tuple[Exhibit, ...]


@dataclass(frozen=True, kw_only=True)
class EvidenceLine:
    """An event in words; ``reference`` is the provider's id of what it tells."""

    version: int
    at: datetime
    who: str
    text: str
    reference: str | None
    sha256: Sha256
    is_sound: bool


@dataclass(frozen=True, kw_only=True)
class Balance:
    """An order's money as it stands."""

    paid: Money
    refunded: Money
    on_its_way_back: Money
    disputed: Money
    lost: Money


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that a pack tells of an order; ``problems`` are sentences about what does not verify."""

    made_at: datetime
    order_id: OrderId
    payment: Payment
    standing: str
    customer: Customer | None  # none once they were forgotten
    disputes: tuple[Dispute, ...]
    balance: Balance
    photos: tuple[PhotoEvidence, ...]
    archives: tuple[Exhibit, ...]
    photos_gone: str | None  # a sentence, once the photos were deleted
    lines: tuple[EvidenceLine, ...]
    deliveries: tuple[EvidenceLine, ...]
    money: tuple[EvidenceLine, ...]
    notes: tuple[Note, ...] | None  # none unless they were asked for
    chained_events: int
    head: Sha256 | None
    problems: tuple[str, ...]

    @property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """Every object, photo by photo, then the archives."""
        return (*(each for photo in self.photos for each in (photo.before, *photo.after)), *self.archives)


class EvidencePrinter(Protocol):
    """Prints the page that a banker reads."""

    def page(self, evidence: Evidence) -> str:
        """One HTML page that holds all it shows, runs nothing and asks nobody for anything."""
        ...
