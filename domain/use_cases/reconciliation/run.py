"""The reconciliation of all sides, with one report."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.ports.clock import Clock
from domain.ports.errors import OutsideError, UnavailableError
from domain.ports.provider_listings import ListingClosedError
from domain.ports.reconciliation_rounds import UnfinishedRound
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


def _never() -> bool:
    """Limit no time."""
    return False


class TimeIsUpError(UnavailableError):
    """The time of a call is over; the next one continues."""

    def __init__(self) -> None:
        super().__init__("The rest", "the time of this call is over")


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

    def compare_if_due(self, interval: timedelta, is_over: Callable[[], bool] = _never) -> Report | None:
        """Compare and repair once per interval; return None if already done.

        The first worker to ask runs it. It starts from the last run in which no side was cut off, every entry was
        readable, and every lost webhook event was handled: otherwise an event not yet handled would be too old for
        the next run. Sides whose time ``is_over`` are ``late`` in the report: whichever process asks next compares
        them, and its report has nothing of the others. A side that had that for itself and was too long stays cut off.
        """
        began_at = self.clock.now()
        with self.unit_of_work.transaction() as transaction:
            resumed = transaction.reconciliation_rounds.take_unfinished()
            begun = (
                None
                if resumed
                else transaction.reconciliation_rounds.begin(began_at, unless_since=began_at - interval)
            )
        if resumed is not None:
            return self._run(resumed, is_over, is_resumed=True)
        if begun is None:
            return None
        whole = UnfinishedRound(
            began_at=began_at,
            since=max(begun.previous or began_at - FIRST_LOOK, began_at - FARTHEST_LOOK) - OVERLAP,
            late_sides=tuple(Side),
            findings=0,
            repaired=0,
            is_flawed=False,
        )
        return self._run(whole, is_over, is_resumed=False)

    def _run(self, unfinished: UnfinishedRound, is_over: Callable[[], bool], *, is_resumed: bool) -> Report:
        """Compare the missing sides, and record what is missing still."""
        sides = [side for side in Side if side in unfinished.late_sides]
        begun: list[Side] = []
        late: list[Side] = []

        def watch(side: Side, things: int) -> None:
            begun.append(side)
            if things and is_over():
                late.append(side)
                raise TimeIsUpError

        report = self.compare(unfinished.since, repairs=True, watch=watch, sides=sides)
        if is_resumed:
            late = [side for side in late if side is not begun[0]]
        report = replace(report, late=tuple(late))
        self._record(unfinished, report, is_flawed=len(sides) < len(unfinished.late_sides))
        return report

    def _record(self, unfinished: UnfinishedRound, report: Report, *, is_flawed: bool) -> None:
        """Interrupt or end a round.

        A flawed one has no end, so that its time is compared again.
        """
        now_unfinished = replace(
            unfinished,
            late_sides=report.late,
            findings=unfinished.findings + len(report.findings),
            repaired=unfinished.repaired + len(report.findings) - len(report.remaining),
            is_flawed=unfinished.is_flawed
            or is_flawed
            or bool(report.cut_off.keys() - set(report.late))
            or any(finding.what in _OPEN_ENDS for finding in report.remaining),
        )
        with self.unit_of_work.transaction() as transaction:
            if report.late:
                transaction.reconciliation_rounds.interrupt(now_unfinished)
            elif not now_unfinished.is_flawed:
                transaction.reconciliation_rounds.end(
                    unfinished.began_at,
                    self.clock.now(),
                    findings=now_unfinished.findings,
                    healed=now_unfinished.repaired,
                )
