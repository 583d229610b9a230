"""What a comparison is asked for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol, TypeVar

from domain.model.errors import ShopError
from domain.ports.books import BooksError
from domain.ports.errors import OutsideError
from domain.services.reconciling.findings import Finding, Foreign, Side

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
    heals: bool
    reads_bytes: bool
    watch: Callable[[int], None]
    leave: Callable[[Foreign], None]  # takes what another shop made, for the report
    defect: Callable[[Exception], None]  # takes what nobody expected, for the log

    @property
    def settled_before(self) -> datetime:
        """What is older than this should have arrived everywhere."""
        return self.now - self.grace

    def heal(
        self, finding: Finding, do: Callable[[], object], is_wrong_still: Callable[[], bool] = lambda: False
    ) -> Finding:
        """The finding, healed if that is wished and can be done; if it cannot, its advice says why."""
        if not self.heals:
            return finding
        try:
            do()
            is_healed = not is_wrong_still()
        except (ShopError, OutsideError, BooksError) as error:
            return replace(finding, advice=f"It could not be healed ({error}) {finding.advice}")
        except Exception as error:  # noqa: BLE001 -- a defect costs this finding only, and is reported with it
            self.defect(error)
            problem = f"It could not be healed because of a defect of the program ({type(error).__name__})."
            return replace(finding, advice=f"{problem} {finding.advice}")
        return replace(finding, is_healed=is_healed)


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
