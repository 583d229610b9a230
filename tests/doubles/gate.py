"""What the books in memory know about starts at the restorer."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from domain.model.values import OrderId

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Admission:
    """That a start was admitted, whatever became of it."""

    reaction_id: UUID
    order_id: OrderId
    admitted_at: datetime


@dataclass
class Gate:
    """Where admissions are written down, and until when there are none."""

    admissions: list[Admission] = field(default_factory=list)
    paused_until: datetime = LONG_AGO

    def copy(self) -> "Gate":
        """The same in a list of its own."""
        return Gate(list(self.admissions), self.paused_until)

    def uncount(self, reaction_id: UUID, admitted_at: datetime | None) -> None:
        """Forget an admission that led to nothing."""
        self.admissions = [
            each
            for each in self.admissions
            if (each.reaction_id, each.admitted_at) != (reaction_id, admitted_at)
        ]
