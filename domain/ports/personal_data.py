"""The port for finding and erasing one customer's personal data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.order.values import CustomerId, OrderId, UploadSessionId
from domain.ports.customers import Customer

#: Rows by table name, as JSON values.
Holdings = Mapping[str, Sequence[Mapping[str, object]]]


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """The record of an erasure: when, by whom and why.

    It contains no personal data, so it is kept.
    """

    erasure_id: UUID
    customer_id: CustomerId
    actor: str
    reason: str
    erased_at: datetime


class PersonalData(Protocol):
    """Everything about one customer, in all tables."""

    def find(self, email: str, *, lock: bool = False) -> Customer | None:
        """The customer with this address, compared case-insensitively.

        ``lock`` prevents payments under this address until the transaction ends.
        """

    def orders(self, customer_id: CustomerId) -> list[OrderId]:
        """The customer's orders, by id."""

    def sessions(self, customer_id: CustomerId) -> list[UploadSessionId]:
        """The customer's known upload sessions, by id."""

    def holdings(self, customer_id: CustomerId) -> Holdings:
        """Every row about the customer, the log excepted.

        Tables without such rows are left out.
        """

    def forget(self, erasure: Erasure) -> Mapping[str, int]:
        """Delete what identifies the customer; return row counts by table.

        The customer's id stays, because the log and other tables refer to it; a later payment with the same address
        makes a new customer. Orders, amounts and the providers' ids stay as they are.
        """
