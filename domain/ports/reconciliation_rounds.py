"""The port for the schedule of reconciliations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class BegunRound:
    """A reconciliation that begins.

    ``previous`` is when the last one began that completed every side.
    """

    previous: datetime | None


@dataclass(frozen=True, kw_only=True)
class UnfinishedRound:
    """A reconciliation whose time was over before each side was compared.

    ``findings`` and ``repaired`` count those so far. ``is_flawed`` is set if a compared side was cut off or has to be
    compared again: then the round does not count as complete.
    """

    began_at: datetime
    since: datetime
    late_sides: tuple[str, ...]
    findings: int
    repaired: int
    is_flawed: bool


class ReconciliationRounds(Protocol):
    """The schedule of reconciliations: of many workers, one runs each."""

    def begin(self, now: datetime, unless_since: datetime) -> BegunRound | None:
        """Record that a reconciliation begins.

        None, and nothing is recorded, if another one began since ``unless_since``.
        """

    def interrupt(self, unfinished: UnfinishedRound) -> None:
        """Record what a reconciliation lacks, for the next to ask."""

    def take_unfinished(self) -> UnfinishedRound | None:
        """The newest reconciliation, if it lacks sides.

        Of concurrent callers, one gets it.
        """

    def end(self, began_at: datetime, now: datetime, *, findings: int, healed: int) -> None:
        """Record the end of the reconciliation that began at ``began_at``."""
