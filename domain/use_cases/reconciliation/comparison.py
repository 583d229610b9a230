"""The context of a comparison, and the protocol that each comparison implements."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol, TypeVar

from domain.order.errors import ShopError
from domain.order.stored_reasons import NO_ID
from domain.ports.errors import OutsideError, UnavailableError, UnreadableAnswerError
from domain.ports.provider_listings import TakeUnreadable, UnreadableEntry
from domain.ports.unit_of_work import UnitOfWorkError
from domain.use_cases.reconciliation.findings import Finding, FindingCode, Foreign, Side

T = TypeVar("T")

#: How many items one query of the database asks about.
PAGE = 100


@dataclass(frozen=True, kw_only=True)
class ComparisonContext:
    """The period to compare, what to do, and callbacks for the results.

    Anything younger than ``grace`` may still be in transit and is never reported. ``watch`` receives, from time to
    time, the number of items examined since its last call.
    """

    since: datetime
    now: datetime
    grace: timedelta
    repairs: bool
    reads_bytes: bool
    watch: Callable[[int], None]
    report_foreign: Callable[[Foreign], None]  # receives each item of another shop, for the report
    report_defect: Callable[[Exception], None]  # receives each unexpected error, for the log
    report: Callable[[Finding], object]  # receives a finding at once; it is kept whatever fails later

    @property
    def settled_before(self) -> datetime:
        """The time before which everything should have arrived on both sides."""
        return self.now - self.grace

    def unreadable(self, side: Side) -> TakeUnreadable:
        """Return a handler that reports each unreadable entry of a listing.

        The listing continues after such an entry.
        """

        def report(entry: UnreadableEntry) -> None:
            self.report(_unreadable(side, entry.kind, entry.entry_id or NO_ID, entry.detail))

        return report

    @contextmanager
    def isolated(
        self, side: Side, kind: str, name: str, *, probe: Callable[[], object] | None = None
    ) -> Iterator[None]:
        """Isolate one item: report an unreadable answer and continue with the next.

        ``probe`` must raise if the whole side is unavailable. With it, an UnavailableError about this item alone is
        reported as well; without it, that error is raised.
        """
        try:
            yield
        except UnavailableError as error:
            if not isinstance(error, UnreadableAnswerError):
                if probe is None:
                    raise
                probe()
            self.report(_unreadable(side, kind, name, error.detail))

    def repair(
        self, finding: Finding, do: Callable[[], object], is_wrong_still: Callable[[], bool] = lambda: False
    ) -> Finding:
        """Repair a finding if repairs are requested, and return it updated.

        A repair that fails is returned as ``repair_error``. The finding counts as repaired unless
        ``is_wrong_still`` returns true afterwards.
        """
        if not self.repairs:
            return finding
        try:
            do()
            is_repaired = not is_wrong_still()
        except (ShopError, OutsideError, UnitOfWorkError) as error:
            return replace(finding, repair_error=error)
        except Exception as error:  # noqa: BLE001 -- a defect costs this finding only, and is reported with it
            self.report_defect(error)
            return replace(finding, repair_error=error)
        return replace(finding, is_repaired=is_repaired)


def _unreadable(side: Side, kind: str, name: str, detail: str) -> Finding:
    return Finding(
        side=side,
        what=FindingCode.ENTRY_UNREADABLE,
        subject=name,
        facts={"kind": kind, "detail": detail},
    )


class Comparison(Protocol):
    """The comparison of the log with one side."""

    @property
    def side(self) -> Side:
        """The side that is compared."""

    def compare(self, context: ComparisonContext) -> Iterator[Finding]:
        """Yield the discrepancies; raise OutsideError when the side becomes unavailable."""


def paged(things: Iterable[T], size: int = PAGE) -> Iterator[list[T]]:
    """Yield lists of up to ``size`` things, reading each list lazily."""
    left = iter(things)
    while page := list(islice(left, size)):
        yield page
