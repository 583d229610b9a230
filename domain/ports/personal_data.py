"""What the books hold about one person, to be shown to them or blotted out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.order.values import CustomerId, OrderId, UploadSessionId
from domain.ports.customers import Customer

#: Rows by the name of their table, each as JSON knows it.
Holdings = Mapping[str, Sequence[Mapping[str, object]]]


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """That somebody was forgotten, when, by whom and why; it names nobody, so it stays."""

    erasure_id: UUID
    customer_id: CustomerId
    actor: str
    reason: str
    erased_at: datetime


class PersonalData(Protocol):
    """Customers as persons: everything that is theirs, wherever it is written down."""

    def find(self, email: str, *, lock: bool = False) -> Customer | None:
        """The customer with this address, without regard to case.

        ``lock`` keeps others from paying under this address until the transaction ends.
        """
        ...

    def orders(self, customer_id: CustomerId) -> list[OrderId]:
        """Their orders, by id."""
        ...

    def sessions(self, customer_id: CustomerId) -> list[UploadSessionId]:
        """The upload sessions that are known to be theirs, by id."""
        ...

    def holdings(self, customer_id: CustomerId) -> Holdings:
        """Every row that is about them, the log excepted; tables without any are left out."""
        ...

    def forget(self, erasure: Erasure) -> Mapping[str, int]:
        """Blot out what tells who they are, and tell how many rows of which table that concerned.

        The customer's id stays, for the log and the books refer to it; whoever pays with the same address later is
        somebody new. Orders, figures and the providers' ids stay as they are.
        """
        ...
