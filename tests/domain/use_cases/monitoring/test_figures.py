"""What is computed from the shop's figures, at its edges."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest

from domain.order.events import OrderHeld, RecordedEvent
from domain.order.states import TERMINAL
from domain.order.values import HoldReason, ObjectKey, OrderId
from domain.ports.backup_runs import BackupFacts, RunEnd, RunKind
from domain.ports.errors import UnavailableError
from domain.ports.event_store import UnreadableEvent
from domain.ports.object_storage import ObjectOwner
from domain.ports.shop_facts import CurrentFacts, TotalFacts, WorkFacts
from domain.use_cases.monitoring.conditions import ConditionCode, active_conditions
from domain.use_cases.monitoring.figures import FEWEST_REACTIONS, Figures
from domain.use_cases.monitoring.figures_reader import ATTENTION_CACHED_FOR
from domain.use_cases.order_transaction import Cause
from domain.use_cases.support.attention_items import AttentionItem
from domain.use_cases.support.attention_list import AttentionList
from tests.doubles.backup_runs import InMemoryBackupRuns
from tests.doubles.container import POLICY, InMemoryShop
from tests.doubles.reconciliation_queries import InMemoryReconciliationQueries

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
BACKED_UP = BackupFacts(
    newest_backup_at=NOW - timedelta(hours=3),
    newest_backup_size_bytes=1,
    newest_failure_at=None,
    newest_failure=None,
    archives_log=True,
    newest_archived_at=NOW,
    unarchived_since=None,
    waiting_files=0,
    newest_drill_at=None,
    newest_drill_problem=None,
    newest_untried_at=None,
    newest_untried_problem=None,
)
DAILY = timedelta(days=1)


def figures(**changes: object) -> Figures:
    given: dict[str, object] = {"at": NOW, "current": CurrentFacts(), "totals": TotalFacts()}
    return Figures(**{**given, **changes})  # type: ignore[arg-type]


def codes(figures: Figures) -> list[ConditionCode]:
    return [each.code for each in active_conditions(figures)]


def test_a_database_without_free_space_is_urgent() -> None:
    shop = InMemoryShop()
    shop.shop_facts.given_free_space = False
    found = active_conditions(shop.figures.read())
    assert [(each.code, each.is_urgent) for each in found] == [(ConditionCode.DATABASE_FULL, True)]


def test_a_storage_that_only_reads_is_unavailable_and_the_head_known() -> None:
    shop = InMemoryShop()
    shop.storage.fault_injector.fail("put", UnavailableError("The storage", "status 500"))
    figures = shop.figures.read()
    assert codes(figures) == [ConditionCode.STORAGE_UNAVAILABLE]
    assert figures.head_is_known
    assert "status 500" in str(figures.storage_problem)


def test_the_trial_of_the_storage_leaves_nothing_there() -> None:
    shop = InMemoryShop()
    shop.storage.put(
        ObjectKey("trials/of-a-killed-process"), BytesIO(b"1"), size_bytes=1, media_type="image/png"
    )
    shop.storage.fault_injector.calls.clear()
    assert codes(shop.figures.read()) == []
    assert "put" in {call.method for call in shop.storage.fault_injector.calls}
    assert shop.storage.objects == {}


def test_the_trial_of_the_storage_leaves_what_others_stored_there() -> None:
    shop = InMemoryShop()
    theirs = ObjectKey("trials/of-another-program")
    shop.storage.put(theirs, BytesIO(b"1"), size_bytes=1, media_type="image/png")
    shop.storage.described[theirs] = replace(shop.storage.described[theirs], owner=ObjectOwner.UNMARKED)
    shop.figures.read()
    assert list(shop.storage.objects) == [theirs]


def test_few_reactions_make_no_share_of_errors() -> None:
    few = WorkFacts(kind="SendEmail", failing=FEWEST_REACTIONS - 1)
    assert figures(current=CurrentFacts(work=[few])).error_ratio == 0
    enough = replace(few, failing=FEWEST_REACTIONS)
    assert figures(current=CurrentFacts(work=[enough])).error_ratio == 1


def test_a_worse_condition_replaces_the_milder_one() -> None:
    full = figures(totals=TotalFacts(stored_bytes=96), max_stored_bytes=100)
    assert codes(full) == [ConditionCode.STORAGE_FULL]


def test_urgent_conditions_come_first() -> None:
    work = [WorkFacts(kind="SendEmail", waiting=101, oldest_due_at=NOW - timedelta(hours=1))]
    found = codes(figures(current=CurrentFacts(work=work)))
    assert found == [ConditionCode.WORK_STALLED, ConditionCode.QUEUE_LONG]


def test_a_log_that_lacks_nothing_is_archived() -> None:
    assert codes(figures(backups=BACKED_UP, backup_interval=DAILY)) == []
    late = replace(BACKED_UP, unarchived_since=NOW - timedelta(minutes=6))
    assert codes(figures(backups=late)) == [ConditionCode.LOG_UNARCHIVED]
    assert codes(figures(backups=replace(late, archives_log=False))) == []


def test_physical_backups_without_an_archived_log_are_reported() -> None:
    off = replace(BACKED_UP, archives_log=False, newest_archived_at=None)
    assert codes(figures(backups=off, needs_archived_log=True)) == [ConditionCode.LOG_NOT_ARCHIVED]
    assert codes(figures(backups=off)) == [], "a dump needs no log"
    assert codes(figures(backups=BACKED_UP, needs_archived_log=True)) == []
    assert codes(figures(needs_archived_log=True)) == [], "a shop without backups"


def test_a_shop_with_physical_backups_needs_an_archived_log() -> None:
    work = replace(POLICY.work, makes_backups=True, needs_archived_log=True)
    assert ConditionCode.LOG_NOT_ARCHIVED in codes(InMemoryShop(replace(POLICY, work=work)).figures.read())


def test_files_that_wait_on_this_machine_are_not_archived(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = InMemoryShop(replace(POLICY, work=replace(POLICY.work, makes_backups=True)))
    left_at = shop.clock.now()
    shop.clock.advance(seconds=360)

    def archiving(_: InMemoryBackupRuns) -> BackupFacts:
        return BACKED_UP

    monkeypatch.setattr(InMemoryBackupRuns, "facts", archiving)
    waiting = shop.with_ports(waiting_log=lambda: left_at).figures.read()
    assert waiting.unarchived_for == timedelta(minutes=6)
    assert ConditionCode.LOG_UNARCHIVED in codes(waiting)
    assert shop.figures.read().unarchived_for == timedelta()


def test_a_shop_without_any_backup_is_overdue_after_its_first_day() -> None:
    none = replace(BACKED_UP, newest_backup_at=None)
    began_at = NOW - timedelta(hours=27)
    assert codes(figures(backups=none, backup_interval=DAILY, began_at=began_at)) == [
        ConditionCode.BACKUP_OVERDUE
    ]
    assert codes(figures(backups=none, backup_interval=DAILY, began_at=NOW)) == []
    assert codes(figures(backups=none, backup_interval=DAILY)) == []


def test_drills_that_never_end_are_overdue_after_two_intervals() -> None:
    makes = replace(POLICY, work=replace(POLICY.work, makes_backups=True, drill_interval=DAILY))
    shop = InMemoryShop(makes)
    began_at = shop.shop_facts.after_head = shop.clock.now()
    with shop.unit_of_work.transaction() as transaction:
        transaction.backup_runs.begin(RunKind.DRILL, began_at)
    shop.clock.advance(seconds=2 * DAILY.total_seconds())
    assert ConditionCode.DRILL_OVERDUE not in codes(shop.figures.read())
    shop.clock.advance(seconds=3600)
    assert ConditionCode.DRILL_OVERDUE in codes(shop.figures.read())
    with shop.unit_of_work.transaction() as transaction:
        transaction.backup_runs.end(RunKind.DRILL, began_at, shop.clock.now(), RunEnd(problem="no disk"))
    shop.clock.advance(seconds=3600)
    assert ConditionCode.DRILL_OVERDUE in codes(shop.figures.read()), (
        "one of two intervals ago does not count"
    )


def test_a_drill_that_could_not_be_tried_is_no_verdict_on_the_backup() -> None:
    untried = replace(BACKED_UP, newest_untried_at=NOW, newest_untried_problem="no answer")
    assert codes(figures(backups=untried)) == [ConditionCode.DRILL_NOT_TRIED]
    good = replace(untried, newest_drill_at=NOW - DAILY)
    assert codes(figures(backups=good)) == [ConditionCode.DRILL_NOT_TRIED]
    bad = replace(good, newest_drill_problem="differences")
    assert codes(figures(backups=bad)) == [ConditionCode.DRILL_FAILED, ConditionCode.DRILL_NOT_TRIED]
    assert codes(figures(backups=replace(good, newest_drill_at=NOW + DAILY))) == []


def test_without_scheduled_drills_none_is_overdue() -> None:
    old = replace(BACKED_UP, newest_drill_at=NOW - 60 * DAILY)
    assert codes(figures(backups=old)) == []
    assert codes(figures(backups=BACKED_UP, drill_interval=DAILY)) == [], "an empty log needs no drill"


def test_backups_are_read_only_where_the_shop_makes_them() -> None:
    assert InMemoryShop().figures.read().backups is None
    makes = replace(POLICY, work=replace(POLICY.work, makes_backups=True, backup_interval=DAILY))
    shop = InMemoryShop(makes)
    with shop.unit_of_work.transaction() as transaction:
        transaction.backup_runs.begin(RunKind.BACKUP, shop.clock.now())
        transaction.backup_runs.end(
            RunKind.BACKUP, shop.clock.now(), shop.clock.now(), RunEnd(backup_id="b", size_bytes=1)
        )
    shop.clock.advance(hours=27)
    assert codes(shop.figures.read()) == [ConditionCode.BACKUP_OVERDUE]


def test_without_the_list_for_staff_all_other_figures_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = InMemoryShop()
    shop.shop_facts.given_current = CurrentFacts(work=[WorkFacts(kind="SendEmail", waiting=101)])

    def time_out(_list: AttentionList, looking_since: datetime | None = None) -> list[AttentionItem]:
        raise UnavailableError("PostgreSQL", f"streams since {looking_since} took too long")

    monkeypatch.setattr(AttentionList, "items", time_out)
    found = shop.figures.read()
    assert found.attention is None
    assert codes(found) == [ConditionCode.QUEUE_LONG]


def test_the_list_for_staff_reads_no_stream_of_a_finished_order(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = InMemoryShop()
    finished = shop.pay(shop.upload(b"harvest-1926"))
    shop.live(finished, hours=0.2)
    assert shop.order(finished).state in TERMINAL
    under_way = shop.pay(shop.upload(b"wedding-1931"))
    shop.clock.advance(seconds=1)
    asked: list[OrderId] = []
    queries = InMemoryReconciliationQueries
    streams, unreadable_events = queries.streams, queries.unreadable_events

    def read_streams(
        self: InMemoryReconciliationQueries, order_ids: Sequence[OrderId]
    ) -> dict[OrderId, list[RecordedEvent]]:
        asked.extend(order_ids)
        return streams(self, order_ids)

    def read_unreadable(
        self: InMemoryReconciliationQueries, order_ids: Sequence[OrderId]
    ) -> list[UnreadableEvent]:
        asked.extend(order_ids)
        return unreadable_events(self, order_ids)

    def read_the_whole_log(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(queries, "streams", read_streams)
    monkeypatch.setattr(queries, "unreadable_events", read_unreadable)
    monkeypatch.setattr(queries, "all_unreadable_events", read_the_whole_log)
    assert shop.figures.read().attention is not None
    assert asked == [under_way]


def attention_of(shop: InMemoryShop) -> Mapping[str, int]:
    found = shop.figures.read().attention
    assert found is not None
    return found


def test_what_waits_for_staff_is_what_their_list_has() -> None:
    shop = InMemoryShop()
    order_id = shop.pay(shop.upload(b"harvest-1926"))
    assert sum(attention_of(shop).values()) == 0
    cause = Cause(name="planted", key="planted", actor="test", correlation_id=order_id)
    shop.command_handler.handle(order_id, [OrderHeld(reason=HoldReason.REQUESTED)], cause)
    shop.clock.advance(seconds=ATTENTION_CACHED_FOR.total_seconds())
    assert attention_of(shop)["on_hold"] == len(shop.queries.attention_items()) == 1
