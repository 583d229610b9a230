"""What a comparison is asked for."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol, TypeVar

from domain.order.errors import ShopError
from domain.ports.errors import OutsideError, UnavailableError, UnreadableAnswerError
from domain.ports.provider_listings import TakeUnreadable, UnreadableEntry
from domain.ports.unit_of_work import UnitOfWorkError
from domain.use_cases.reconciliation.findings import Finding, FindingCode, Foreign, Side

T = TypeVar("T")

#: How many things one question to the books is about.
PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What to compare, and what to do about it.

    What is younger than ``grace`` may still be on its way: it is never called wrong. ``watch`` hears now and then
    how many things were looked at since it heard last.
    """

    since: datetime
    now: datetime
    grace: timedelta
    repairs: bool
    reads_bytes: bool
    watch: Callable[[int], None]
    leave: Callable[[Foreign], None]  # takes what another shop made, for the report
    defect: Callable[[Exception], None]  # takes what nobody expected, for the log
    tell: Callable[[Finding], object]  # takes a finding at once, whatever comes after it

    @property
    def settled_before(self) -> datetime:
        """What is older than this should have arrived everywhere."""
        return self.now - self.grace

    def unreadable(self, side: Side) -> TakeUnreadable:
        """What takes the entries of a side's list that cannot be read: a finding each, and the list goes on."""

        def take(entry: UnreadableEntry) -> None:
            self.tell(_unreadable(side, entry.kind, entry.entry_id or "without an id", entry.detail))

        return take

    @contextmanager
    def isolated(
        self, side: Side, kind: str, name: str, *, probe: Callable[[], object] | None = None
    ) -> Iterator[None]:
        """Ask about one thing; an answer that cannot be read is a finding, and the comparison goes on.

        With a ``probe``, which raises while the whole side is away, that one thing is not to be had is a finding too.
        """
        try:
            yield
        except UnavailableError as error:
            if not isinstance(error, UnreadableAnswerError):
                if probe is None:
                    raise
                probe()
            self.tell(_unreadable(side, kind, name, error.detail))

    def repair(
        self, finding: Finding, do: Callable[[], object], is_wrong_still: Callable[[], bool] = lambda: False
    ) -> Finding:
        """The finding, healed if that is wished and can be done; if it cannot, its advice says why."""
        if not self.repairs:
            return finding
        try:
            do()
            is_healed = not is_wrong_still()
        except (ShopError, OutsideError, UnitOfWorkError) as error:
            return replace(finding, advice=f"It could not be healed ({error}) {finding.advice}")
        except Exception as error:  # noqa: BLE001 -- a defect costs this finding only, and is reported with it
            self.defect(error)
            problem = f"It could not be healed because of a defect of the program ({type(error).__name__})."
            return replace(finding, advice=f"{problem} {finding.advice}")
        return replace(finding, is_healed=is_healed)


def _unreadable(side: Side, kind: str, name: str, detail: str) -> Finding:
    return Finding(
        side=side,
        what=FindingCode.ENTRY_UNREADABLE,
        subject=name,
        wrong=f"This {kind} cannot be read ({detail}), so it was not compared.",
        advice="Look at it there by hand; if many are like it, the provider's API has changed.",
    )


class Comparison(Protocol):
    """One side of the books."""

    @property
    def side(self) -> Side:
        """Which."""
        ...

    def compare(self, scope: Scope) -> Iterator[Finding]:
        """What does not agree, one by one; raises OutsideError when the side cannot be asked any further."""
        ...


def paged(things: Iterable[T], size: int = PAGE) -> Iterator[list[T]]:
    """Lists of up to ``size`` things, each read only when it is wanted."""
    left = iter(things)
    while page := list(islice(left, size)):
        yield page
