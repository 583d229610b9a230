"""Each gauge of the database has the value of its own figure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from adapters.metrics_prometheus import definitions as d
from adapters.metrics_prometheus.figures_collector import values_of
from domain.order.values import Money, OrderId, OrderNumber
from domain.ports.backup_runs import BackupFacts
from domain.ports.shop_facts import (
    CurrentFacts,
    EmailTotals,
    OpenDispute,
    OrderTotals,
    OwedRefund,
    TotalFacts,
    WorkFacts,
)
from domain.use_cases.monitoring.figures import Figures

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
ORDER = {"order_id": OrderId(UUID(int=1)), "number": OrderNumber("20261201-000001")}


def ago(seconds: int) -> datetime:
    return NOW - timedelta(seconds=seconds)


def euros(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


#: No two figures are alike, so that a gauge with another's figure is noticed.
BACKUPS = BackupFacts(
    newest_backup_at=ago(101),
    newest_backup_size_bytes=102,
    newest_failure_at=None,
    newest_failure=None,
    archives_log=True,
    newest_archived_at=NOW,
    unarchived_since=ago(103),
    waiting_files=0,
    newest_drill_at=ago(104),
    newest_drill_problem=None,
    newest_untried_at=None,
    newest_untried_problem=None,
)
WORK = WorkFacts(
    kind="SendEmail",
    scheduled=11,
    waiting=12,
    in_flight=13,
    failing=14,
    done_recently=43,
    given_up_recently=3,
    oldest_due_at=ago(15),
    oldest_claimed_at=ago(16),
)
CURRENT = CurrentFacts(
    work=[WORK],
    held={"requested": 21},
    owed_refunds=[OwedRefund(**ORDER, amount=euros(22), since=ago(23))],  # type: ignore[arg-type]
    unmatched=[euros(24)],
    log_position=25,
    recorded_at=ago(26),
    unread_events=27,
    unread_since=ago(28),
    reconciled_at=ago(29),
    schema="0034",
)
TOTALS = TotalFacts(
    orders=[
        OrderTotals(
            state="completed",
            currency="EUR",
            orders=31,
            received=32,
            refunded=33,
            photos=34,
            restored=35,
            failed=36,
        )
    ],
    emails=[EmailTotals(kind="result", status="sent", emails=37)],
    disputes=[
        OpenDispute(**ORDER, dispute_id="dp_1", amount=euros(1), opened_at=NOW, respond_by=ago(-38)),  # type: ignore[arg-type]
        *(
            OpenDispute(**ORDER, dispute_id=f"dp_{n}", amount=euros(1), opened_at=NOW, is_inquiry=True)  # type: ignore[arg-type]
            for n in (2, 3)
        ),
    ],
    stored_bytes=39,
)
ALL = Figures(
    at=NOW,
    current=CURRENT,
    totals=TOTALS,
    max_stored_bytes=78,
    unprotected_since=ago(41),
    backups=BACKUPS,
    backup_interval=timedelta(seconds=61),
    needs_archived_log=True,
    drill_interval=timedelta(seconds=31),
    attention={"order_held": 42},
)
VALUES = {
    d.QUEUE_DEPTH: {("email",): 12},
    d.QUEUE_SCHEDULED: {("email",): 11},
    d.QUEUE_IN_FLIGHT: {("email",): 13},
    d.QUEUE_FAILING: {("email",): 14},
    d.QUEUE_OLDEST: {("email",): 15},
    d.WORK_OLDEST: {("email",): 16},
    d.ERROR_RATIO: {(): 17 / 60},
    d.ORDERS: {("completed",): 31},
    d.ORDERS_HELD: {("requested",): 21},
    d.ATTENTION: {("order_held",): 42},
    d.PHOTOS: {("paid",): 34, ("restored",): 35, ("failed",): 36},
    d.MONEY: {
        ("EUR", "received"): 32,
        ("EUR", "refunded"): 33,
        ("EUR", "owed"): 22,
        ("EUR", "unmatched"): 24,
    },
    d.OWED_OLDEST: {(): 23},
    d.DISPUTES_OPEN: {("dispute",): 1, ("inquiry",): 2},
    d.DISPUTE_DUE: {(): 38},
    d.EMAILS: {("result", "sent"): 37},
    d.LOG_POSITION: {(): 25},
    d.LOG_AGE: {(): 26},
    d.LOG_UNREAD: {(): 27},
    d.LOG_UNREAD_AGE: {(): 28},
    d.HEAD_LAG: {(): 41},
    d.BEHIND_LOG: {(): 0},
    d.DATABASE_FULL: {(): 0},
    d.STORAGE_DOWN: {(): 0},
    d.QUEUE_DOWN: {(): 0},
    d.STORAGE_USED: {(): 39},
    d.STORAGE_RATIO: {(): 0.5},
    d.BACKUP_AGE: {(): 101},
    d.BACKUP_OVERDUE: {(): 40},
    d.BACKUP_SIZE: {(): 102},
    d.UNARCHIVED: {(): 103},
    d.LOG_NOT_ARCHIVED: {(): 0},
    d.DRILL_AGE: {(): 104},
    d.DRILL_OVERDUE: {(): 42},
    d.DRILL_FAILED: {(): 0},
    d.DRILL_NOT_TRIED: {(): 0},
    d.RECONCILED_AGE: {(): 29},
    d.SCHEMA: {("0034",): 1},
}
#: Absent without a figure, as the document says.
OPTIONAL = {
    d.DISPUTE_DUE,
    d.STORAGE_RATIO,
    d.BACKUP_AGE,
    d.BACKUP_OVERDUE,
    d.BACKUP_SIZE,
    d.UNARCHIVED,
    d.LOG_NOT_ARCHIVED,
    d.DRILL_AGE,
    d.DRILL_OVERDUE,
    d.DRILL_FAILED,
    d.DRILL_NOT_TRIED,
    d.RECONCILED_AGE,
    d.LOG_AGE,
}


def shown(figures: Figures) -> dict[d.Metric, dict[tuple[str, ...], float]]:
    """Return the values by label; idle queues are left out."""
    return {
        metric: {labels: value for labels, value in values if metric.labels != ("queue",) or value}
        for metric, values in values_of(figures).items()
    }


def test_every_gauge_of_the_database_has_its_own_figure() -> None:
    assert shown(ALL) == VALUES
    assert set(VALUES) == {metric for metric in d.METRICS if metric.source is d.Source.DATABASE}


def test_an_idle_queue_has_zeros() -> None:
    for metric in (d.QUEUE_DEPTH, d.QUEUE_OLDEST, d.WORK_OLDEST):
        values = dict(values_of(ALL)[metric])
        assert len(values) > 1
        assert [value for labels, value in values.items() if labels != ("email",)] == [0] * (len(values) - 1)


def test_what_is_not_known_is_absent_and_the_rest_is_zero() -> None:
    found = values_of(Figures(at=NOW, current=CurrentFacts(), totals=TotalFacts()))
    assert set(VALUES) - set(found) == OPTIONAL
    assert {value for values in found.values() for _, value in values} == {0, 1}  # 1 is the schema's


@pytest.mark.parametrize(
    ("metric", "changes"),
    [
        (d.BEHIND_LOG, {"is_behind_log": True}),
        (d.DATABASE_FULL, {"database_is_full": True}),
        (d.STORAGE_DOWN, {"storage_problem": "off"}),
        (d.QUEUE_DOWN, {"queue_problem": "off"}),
        (d.LOG_NOT_ARCHIVED, {"backups": replace(BACKUPS, archives_log=False)}),
        (d.DRILL_FAILED, {"backups": replace(BACKUPS, newest_drill_problem="log_damaged")}),
        (d.DRILL_NOT_TRIED, {"backups": replace(BACKUPS, newest_untried_at=NOW)}),
    ],
    ids=lambda each: each.name if isinstance(each, d.Metric) else "",
)
def test_a_state_that_is_bad_is_one(metric: d.Metric, changes: dict[str, object]) -> None:
    bad = shown(replace(ALL, **changes))  # type: ignore[arg-type]
    assert bad[metric] == {(): 1}
    others = {name for name in VALUES if name in bad and bad[name] != VALUES[name]} - {metric}
    assert others == set()


def test_without_the_head_in_the_storage_its_gauges_are_absent() -> None:
    found = values_of(replace(ALL, head_is_known=False))
    assert set(VALUES) - set(found) == {d.BEHIND_LOG, d.HEAD_LAG}
