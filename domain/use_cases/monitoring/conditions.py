"""Conditions of the shop that need someone, and their thresholds.

Alerts, the status command and the owner's letters share these definitions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.use_cases.monitoring.figures import Figures


class Severity(StrEnum):
    """How soon someone has to look."""

    URGENT = "urgent"  # now: money, photos or the log are at risk, or nothing works
    ATTENTION = "attention"  # within a day


class Unit(StrEnum):
    """What a condition's value is."""

    NUMBER = "number"
    RATIO = "ratio"
    SECONDS = "seconds"


class ConditionCode(StrEnum):
    """The conditions, by stable name."""

    WORK_STALLED = "work_stalled"
    QUEUE_LONG = "queue_long"
    PROCESSING_SLOW = "processing_slow"
    ERRORS_FREQUENT = "errors_frequent"
    STORAGE_FULL = "storage_full"
    STORAGE_FILLING = "storage_filling"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    QUEUE_UNAVAILABLE = "queue_unavailable"
    MONEY_OWED = "money_owed"
    DISPUTE_DUE_NOW = "dispute_due_now"
    DISPUTE_DUE_SOON = "dispute_due_soon"
    DATABASE_FULL = "database_full"
    DATABASE_BEHIND_LOG = "database_behind_log"
    LOG_HEAD_MISSING = "log_head_missing"
    BACKUP_OVERDUE = "backup_overdue"
    DRILL_FAILED = "drill_failed"
    DRILL_NOT_TRIED = "drill_not_tried"
    DRILL_OVERDUE = "drill_overdue"
    LOG_UNARCHIVED = "log_unarchived"
    LOG_NOT_ARCHIVED = "log_not_archived"
    LOG_READERS_LATE = "log_readers_late"
    WAITS_FOR_STAFF = "waits_for_staff"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A condition: a value on the wrong side of a threshold.

    Args:
        measure: the value; None if it does not apply.
        is_below: whether a value below the threshold is the wrong one, instead of one above.
        lasts: how long an alert or a letter waits until it goes out; bursts are no reason to wake anyone.
        eclipses: the milder condition that is not reported beside this one.
    """

    code: ConditionCode
    severity: Severity
    threshold: float
    unit: Unit
    measure: Callable[[Figures], float | None]
    is_below: bool = False
    lasts: timedelta = timedelta(0)
    eclipses: ConditionCode | None = None

    def holds(self, value: float | None) -> bool:
        """Whether a value is on the wrong side."""
        if value is None:
            return False
        return value < self.threshold if self.is_below else value > self.threshold


@dataclass(frozen=True, kw_only=True)
class ActiveCondition:
    """A condition that holds, with its value."""

    condition: Condition
    value: float

    @property
    def code(self) -> ConditionCode:
        """The condition's stable name."""
        return self.condition.code

    @property
    def is_urgent(self) -> bool:
        """Whether it cannot wait."""
        return self.condition.severity is Severity.URGENT


def _seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span is not None else None


CONDITIONS: Sequence[Condition] = (
    Condition(
        code=ConditionCode.WORK_STALLED,
        severity=Severity.URGENT,
        threshold=timedelta(minutes=30).total_seconds(),
        unit=Unit.SECONDS,
        measure=lambda figures: figures.oldest_waiting.total_seconds(),
        eclipses=ConditionCode.PROCESSING_SLOW,
    ),
    Condition(
        code=ConditionCode.QUEUE_LONG,
        severity=Severity.ATTENTION,
        threshold=100,
        unit=Unit.NUMBER,
        measure=lambda figures: figures.waiting,
        lasts=timedelta(minutes=5),
    ),
    Condition(
        code=ConditionCode.PROCESSING_SLOW,
        severity=Severity.ATTENTION,
        threshold=timedelta(minutes=5).total_seconds(),
        unit=Unit.SECONDS,
        measure=lambda figures: figures.oldest_age.total_seconds(),
        lasts=timedelta(minutes=1),
    ),
    Condition(
        code=ConditionCode.ERRORS_FREQUENT,
        severity=Severity.ATTENTION,
        threshold=0.05,
        unit=Unit.RATIO,
        measure=lambda figures: figures.error_ratio,
        lasts=timedelta(minutes=5),
    ),
    Condition(
        code=ConditionCode.STORAGE_FULL,
        severity=Severity.URGENT,
        threshold=0.95,
        unit=Unit.RATIO,
        measure=lambda figures: figures.storage_ratio,
        eclipses=ConditionCode.STORAGE_FILLING,
    ),
    Condition(
        code=ConditionCode.STORAGE_FILLING,
        severity=Severity.ATTENTION,
        threshold=0.8,
        unit=Unit.RATIO,
        measure=lambda figures: figures.storage_ratio,
        lasts=timedelta(minutes=5),
    ),
    Condition(
        code=ConditionCode.STORAGE_UNAVAILABLE,
        severity=Severity.URGENT,
        threshold=0,
        unit=Unit.NUMBER,
        measure=lambda figures: figures.storage_problem is not None,
        lasts=timedelta(minutes=1),
    ),
    Condition(
        code=ConditionCode.QUEUE_UNAVAILABLE,
        severity=Severity.ATTENTION,  # workers poll the database meanwhile
        threshold=0,
        unit=Unit.NUMBER,
        measure=lambda figures: figures.queue_problem is not None,
        lasts=timedelta(minutes=5),
    ),
    Condition(
        code=ConditionCode.MONEY_OWED,
        severity=Severity.URGENT,
        threshold=timedelta(days=1).total_seconds(),
        unit=Unit.SECONDS,
        measure=lambda figures: figures.oldest_owed_age.total_seconds(),
    ),
    Condition(
        code=ConditionCode.DISPUTE_DUE_NOW,
        severity=Severity.URGENT,
        threshold=timedelta(days=2).total_seconds(),
        unit=Unit.SECONDS,
        measure=lambda figures: _seconds(figures.next_response_in),
        is_below=True,
        eclipses=ConditionCode.DISPUTE_DUE_SOON,
    ),
    Condition(
        code=ConditionCode.DISPUTE_DUE_SOON,
        severity=Severity.ATTENTION,
        threshold=timedelta(days=7).total_seconds(),
        unit=Unit.SECONDS,
        measure=lambda figures: _seconds(figures.next_response_in),
        is_below=True,
    ),
    Condition(
        code=ConditionCode.DATABASE_FULL,
        severity=Severity.URGENT,
        threshold=0,
        unit=Unit.NUMBER,
        measure=lambda figures: figures.database_is_full,
    ),
    Condition(
        code=ConditionCode.DATABASE_BEHIND_LOG,
        severity=Severity.URGENT,
        threshold=0,
        unit=Unit.NUMBER,
        measure=lambda figures: figures.is_behind_log,
    ),
    Condition(
        code=ConditionCode.LOG_HEAD_MISSING,
        severity=Severity.URGENT,
        threshold=timedelta(hours=1).total_seconds(),
        unit=Unit.SECONDS,
        measure=lambda figures: figures.unprotected_for.total_seconds(),
    ),
    Condition(
        code=ConditionCode.BACKUP_OVERDUE,
        severity=Severity.URGENT,
        threshold=timedelta(hours=2).total_seconds(),
        unit=Unit.SECONDS,
        measure=lambda figures: _seconds(figures.backup_overdue),
    ),
    Condition(
        code=ConditionCode.DRILL_FAILED,
        severity=Severity.URGENT,
        threshold=0,
        unit=Unit.NUMBER,
        measure=lambda figures: figures.drill_has_failed,
    ),
    Condition(
        code=ConditionCode.DRILL_NOT_TRIED,
        severity=Severity.ATTENTION,
        threshold=0,
        unit=Unit.NUMBER,
        measure=lambda figures: figures.drill_was_not_tried,
    ),
    Condition(
        code=ConditionCode.DRILL_OVERDUE,
        severity=Severity.ATTENTION,
        threshold=0,
        unit=Unit.SECONDS,
        measure=lambda figures: _seconds(figures.drill_overdue),
    ),
    Condition(
        code=ConditionCode.LOG_UNARCHIVED,
        severity=Severity.ATTENTION,
        threshold=timedelta(minutes=5).total_seconds(),
        unit=Unit.SECONDS,
        measure=lambda figures: _seconds(figures.unarchived_for),
        lasts=timedelta(minutes=1),
    ),
    Condition(
        code=ConditionCode.LOG_NOT_ARCHIVED,
        severity=Severity.ATTENTION,
        threshold=0,
        unit=Unit.NUMBER,
        measure=lambda figures: figures.log_is_not_archived,
    ),
    Condition(
        code=ConditionCode.LOG_READERS_LATE,
        severity=Severity.ATTENTION,
        threshold=timedelta(minutes=5).total_seconds(),
        unit=Unit.SECONDS,
        measure=lambda figures: figures.readers_late_for.total_seconds(),
    ),
    Condition(
        code=ConditionCode.WAITS_FOR_STAFF,
        severity=Severity.ATTENTION,
        threshold=0,
        unit=Unit.NUMBER,
        measure=lambda figures: sum(figures.attention.values()) if figures.attention is not None else None,
        lasts=timedelta(minutes=5),
    ),
)


def active_conditions(figures: Figures) -> Sequence[ActiveCondition]:
    """The conditions that hold, urgent ones first; each eclipses its milder one."""
    found = [
        ActiveCondition(condition=condition, value=float(value))
        for condition in CONDITIONS
        if (value := condition.measure(figures)) is not None and condition.holds(value)
    ]
    eclipsed = {each.condition.eclipses for each in found}
    return sorted((each for each in found if each.code not in eclipsed), key=lambda each: not each.is_urgent)


def condition_of(code: ConditionCode) -> Condition:
    """The condition of a name."""
    (found,) = (condition for condition in CONDITIONS if condition.code is code)
    return found
