"""The reconciliation of all sides, with one report."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.ports.clock import Clock
from domain.ports.errors import OutsideError
from domain.ports.provider_listings import ListingClosedError
from domain.ports.unit_of_work import HasReconciliationRounds, UnitOfWork
from domain.use_cases.reconciliation.comparison import Comparison, ComparisonContext
from domain.use_cases.reconciliation.findings import Finding, FindingCode, Foreign, Report, Side

#: How far back the first reconciliation of a shop looks.
FIRST_LOOK = timedelta(days=7)

#: Providers keep data for 30 days: a longer period costs much and finds little.
FARTHEST_LOOK = timedelta(days=30)

#: Each run repeats this part of the previous one: it was too young then, or happened during that run.
OVERLAP = timedelta(days=1)

#: Findings that the next run must look for again, however old they are by then.
_OPEN_ENDS = frozenset({FindingCode.NOTICE_LOST, FindingCode.ENTRY_UNREADABLE})


def _ignore(side: Side, things: int) -> None:
    """Ignore the progress."""


class ComparisonFailedError(Exception):
    """A defect of the program ended the comparison of a side."""

    def __init__(self, defect: str) -> None:
        super().__init__(f"The program failed ({defect}): its log has the details.")


@dataclass(eq=False, kw_only=True)
class Reconciliation:
    """Compares the log with every side, and makes safe repairs on request."""

    unit_of_work: UnitOfWork[HasReconciliationRounds]
    comparisons: Sequence[Comparison]
    clock: Clock
    grace: timedelta

    def compare(
        self,
        since: datetime,
        *,
        repairs: bool,
        reads_bytes: bool = True,
        watch: Callable[[Side, int], None] = _ignore,
        sides: Collection[Side] = frozenset(Side),
    ) -> Report:
        """Compare sides since a moment; an unavailable side affects no other."""
        now = self.clock.now()
        findings: dict[Finding, None] = {}  # in order; a finding made by two sides is reported once
        foreign: list[Foreign] = []
        defects: list[Exception] = []
        closed: dict[Side, str] = {}
        cut_off: dict[Side, str] = {}
        for comparison in self.comparisons:
            side = comparison.side
            if side not in sides:
                continue
            watch(side, 0)
            context = ComparisonContext(
                since=since,
                now=now,
                grace=self.grace,
                repairs=repairs,
                reads_bytes=reads_bytes,
                watch=lambda things, side=side: watch(side, things),  # type: ignore[misc]
                report_foreign=foreign.append,
                report_defect=defects.append,
                report=findings.setdefault,
            )
            try:
                # One by one: findings made before a side becomes unavailable are kept.
                for finding in comparison.compare(context):
                    findings.setdefault(finding)
            except ListingClosedError as error:
                closed[side] = str(error)
            except OutsideError as error:
                cut_off[side] = str(error)
            except Exception as error:  # noqa: BLE001 -- a defect costs this side only, and is reported
                defects.append(error)
                cut_off[side] = str(ComparisonFailedError(type(error).__name__))
        return Report(
            since=since,
            until=now,
            findings=tuple(findings),
            closed=closed,
            cut_off=cut_off,
            foreign=tuple(foreign),
            defects=tuple(defects),
        )

    def compare_if_due(
        self, interval: timedelta, watch: Callable[[Side, int], None] = _ignore
    ) -> Report | None:
        """Compare and repair once per interval; return None if already done.

        The first worker to ask runs it. It starts from the last run in which no side was cut off, every entry was
        readable, and every lost webhook event was handled: otherwise an event not yet handled would be too old for
        the next run. An OutsideError that ``watch`` raises about compared things cuts their side off.
        """
        began_at = self.clock.now()
        with self.unit_of_work.transaction() as transaction:
            turn = transaction.reconciliation_rounds.begin(began_at, unless_since=began_at - interval)
        if turn is None:
            return None
        since = max(turn.previous or began_at - FIRST_LOOK, began_at - FARTHEST_LOOK) - OVERLAP
        report = replace(self.compare(since, repairs=True, watch=watch), began_at=began_at)
        self._end(report)
        return report

    def resume(
        self, earlier: Report, sides: Collection[Side], watch: Callable[[Side, int], None] = _ignore
    ) -> tuple[Report, Report]:
        """Compare sides that a scheduled report lacks.

        Return the report about these sides, and the whole round's, which ends if nothing is cut off any more.
        """
        report = self.compare(earlier.since, repairs=True, watch=watch, sides=sides)
        cut_off = {side: why for side, why in earlier.cut_off.items() if side not in sides}
        whole = replace(
            report,
            findings=tuple(dict.fromkeys((*earlier.findings, *report.findings))),
            closed={**earlier.closed, **report.closed},
            cut_off={**cut_off, **report.cut_off},
            began_at=earlier.began_at,
        )
        self._end(whole)
        return report, whole

    def _end(self, report: Report) -> None:
        """End a round, unless its time must be compared again."""
        if (
            report.began_at is None
            or report.cut_off
            or any(finding.what in _OPEN_ENDS for finding in report.remaining)
        ):
            return
        with self.unit_of_work.transaction() as transaction:
            transaction.reconciliation_rounds.end(
                report.began_at,
                self.clock.now(),
                findings=len(report.findings),
                healed=len(report.findings) - len(report.remaining),
            )
