"""The drill: what a restored database lacks, or has wrong."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.order.values import ObjectKey, OrderId
from domain.ports.backup_runs import BackupFacts, RunEnd, RunKind
from domain.ports.backups import (
    BackupFailedError,
    BackupKind,
    BackupManifest,
    KeptHead,
    ObjectList,
    UnusableBackupError,
)
from domain.ports.errors import UnavailableError
from domain.ports.unit_of_work import Database
from domain.signed_tokens import sha256_of
from domain.use_cases.reconciliation.comparison import Comparison
from domain.use_cases.reconciliation.event_log import EventLogComparison
from domain.use_cases.reconciliation.findings import FindingCode
from domain.use_cases.reconciliation.object_storage import ObjectStorageComparison
from domain.use_cases.recovery.log_heads import LogHead
from domain.use_cases.recovery.restore_drill import (
    RETRY_AFTER,
    DrillProblem,
    DrillReport,
    Drills,
    RestoreDrill,
)
from tests.doubles.container import InMemoryShop


class DrilledShop(InMemoryShop):
    """A shop whose own database is the restored one."""

    def __init__(self) -> None:
        super().__init__()
        self.order_id: OrderId = self.pay(self.upload(b"wedding"))
        self.live(self.order_id, hours=0.1)
        self.log_heads.write()

    def drill(
        self,
        *,
        kind: BackupKind = BackupKind.PHYSICAL,
        own_head: KeptHead | None = None,
        newest_head: LogHead | None = None,
    ) -> DrillReport:
        def comparisons(database: Database) -> Sequence[Comparison]:
            return (
                EventLogComparison(unit_of_work=database, queue=self.queue),
                ObjectStorageComparison(unit_of_work=database, ledger=self.storage, storage=self.storage),
            )

        with self.unit_of_work.transaction() as transaction:
            server = transaction.backup_runs.server()
        manifest = BackupManifest(
            backup_id="first",
            kind=kind,
            began_at=self.clock.now(),
            ended_at=self.clock.now(),
            program_version="0.2.0",
            server=server,
            log_head=own_head,
            parts=(),
            objects=ObjectList(count=0, size_bytes=0, parts=()),
        )
        drill = RestoreDrill(comparisons_of=comparisons)
        return drill.check(self.unit_of_work, manifest, newest_head or self.log_heads.newest())

    def later_head(self, **later: float) -> LogHead:
        """A head of an event that the restored database lacks."""
        newest = self.log_heads.newest()
        assert newest is not None
        with self.unit_of_work.transaction() as transaction:
            event = transaction.log_recovery.newest_event()
        assert event is not None
        return replace(newest, event_id=uuid4(), written_at=event.recorded_at + timedelta(**later))


@pytest.fixture
def shop() -> DrilledShop:
    return DrilledShop()


def test_a_backup_with_the_newest_head_and_all_objects_passes(shop: DrilledShop) -> None:
    report = shop.drill()
    assert (report.problems, report.has_newest_head, report.behind) == ((), True, timedelta())
    assert (report.orders, report.rebuilt) == (1, 1)
    assert report.events == len(shop.events(shop.order_id))


def test_an_archived_log_may_be_a_minute_behind(shop: DrilledShop) -> None:
    report = shop.drill(newest_head=shop.later_head(seconds=59))
    assert (report.problems, report.has_newest_head) == ((), False)
    report = shop.drill(newest_head=shop.later_head(seconds=61))
    assert report.problems == (DrillProblem.TOO_FAR_BEHIND,)
    assert report.behind == timedelta(seconds=61)


def test_a_dump_is_as_old_as_it_is(shop: DrilledShop) -> None:
    report = shop.drill(kind=BackupKind.LOGICAL, newest_head=shop.later_head(hours=20))
    assert (report.problems, report.behind) == ((), timedelta(hours=20))


def test_a_backup_without_the_event_of_its_manifest_is_incomplete(shop: DrilledShop) -> None:
    head = KeptHead(event_id=uuid4(), sha256=sha256_of("an event"), position=7)
    assert shop.drill(own_head=head).problems == (DrillProblem.BACKUP_INCOMPLETE,)


def lose_an_original(shop: DrilledShop) -> ObjectKey:
    key = next(key for key in shop.storage.objects if key.startswith("uploads/originals/"))
    shop.storage.delete([key])
    return key


def test_a_stored_photo_that_is_missing_fails_the_drill(shop: DrilledShop) -> None:
    lost = lose_an_original(shop)
    report = shop.drill()
    assert report.problems == (DrillProblem.DIFFERENCES,)
    assert [(each.what, each.subject) for each in report.findings] == [(FindingCode.OBJECT_MISSING, lost)]


def test_photos_that_may_have_been_deleted_since_an_old_dump_do_not(shop: DrilledShop) -> None:
    lose_an_original(shop)
    report = shop.drill(kind=BackupKind.LOGICAL, newest_head=shop.later_head(hours=20))
    assert report.problems == ()


def test_a_storage_that_is_not_available_fails_the_drill(shop: DrilledShop) -> None:
    head = shop.log_heads.newest()
    shop.storage.fault_injector.fail("objects", UnavailableError("The storage", "no answer"))
    assert shop.drill(newest_head=head).problems == (DrillProblem.NOT_COMPARED,)


def test_an_empty_log_is_restored_too() -> None:
    shop = DrilledShop.__new__(DrilledShop)
    InMemoryShop.__init__(shop)
    report = shop.drill()
    assert (report.problems, report.events, report.restored_to) == ((), 0, None)


def test_one_worker_runs_the_drill_in_an_interval_and_its_end_is_recorded(shop: DrilledShop) -> None:
    drills = Drills(unit_of_work=shop.unit_of_work, clock=shop.clock)
    record_backup(shop)
    day = timedelta(days=1)
    assert drills.run(shop.drill, day) is not None
    assert drills.run(shop.drill, day) is None
    shop.clock.advance(hours=24)
    lose_an_original(shop)
    assert drills.run(shop.drill, day) is not None
    with shop.unit_of_work.transaction() as transaction:
        facts = transaction.backup_runs.facts()
    assert (facts.newest_drill_at, facts.newest_drill_problem) == (shop.clock.now(), "differences")


def record_backup(shop: DrilledShop) -> None:
    now = shop.clock.now()
    with shop.unit_of_work.transaction() as transaction:
        transaction.backup_runs.begin(RunKind.BACKUP, now)
        transaction.backup_runs.end(RunKind.BACKUP, now, now, RunEnd(backup_id="first", size_bytes=1))


def test_a_drill_is_not_due_before_the_first_backup(shop: DrilledShop) -> None:
    drills = Drills(unit_of_work=shop.unit_of_work, clock=shop.clock)
    week = timedelta(days=7)
    assert drills.run(shop.drill, week) is None
    with shop.unit_of_work.transaction() as transaction:
        assert transaction.backup_runs.facts().newest_drill_at is None, "it is no failed drill"
    record_backup(shop)
    assert drills.run(shop.drill, week) is not None


def test_a_drill_that_failed_is_tried_again_after_hours(shop: DrilledShop) -> None:
    def fail() -> DrillReport:
        raise UnavailableError("S3", "it is off")

    drills = Drills(unit_of_work=shop.unit_of_work, clock=shop.clock)
    week = timedelta(days=7)
    record_backup(shop)
    with pytest.raises(UnavailableError):
        drills.run(fail, week)
    assert drills.run(shop.drill, week) is None
    shop.clock.advance(seconds=RETRY_AFTER.total_seconds())
    assert drills.run(shop.drill, week) is not None
    with shop.unit_of_work.transaction() as transaction:
        assert transaction.backup_runs.facts().newest_drill_problem is None


def facts_of(shop: DrilledShop) -> BackupFacts:
    with shop.unit_of_work.transaction() as transaction:
        return transaction.backup_runs.facts()


def test_a_backup_that_cannot_be_restored_fails_the_drill(shop: DrilledShop) -> None:
    def fail() -> DrillReport:
        raise UnusableBackupError("first", "its archive is cut off")

    with pytest.raises(UnusableBackupError):
        Drills(unit_of_work=shop.unit_of_work, clock=shop.clock).run(fail)
    facts = facts_of(shop)
    assert facts.newest_drill_problem == "Backup first cannot be restored: its archive is cut off"
    assert facts.newest_untried_at is None


@pytest.mark.parametrize(
    "error",
    [
        UnavailableError("S3", "no answer"),
        BackupFailedError("postgres", "it is not on the PATH"),
        OSError("no space left"),
    ],
)
def test_a_drill_that_could_not_be_tried_says_nothing_about_the_backup(
    shop: DrilledShop, error: Exception
) -> None:
    def fail() -> DrillReport:
        raise error

    drills = Drills(unit_of_work=shop.unit_of_work, clock=shop.clock)
    drills.run(shop.drill)
    tried_at = shop.clock.now()
    shop.clock.advance(hours=1)
    with pytest.raises(type(error)):
        drills.run(fail)
    facts = facts_of(shop)
    assert (facts.newest_drill_at, facts.newest_drill_problem) == (tried_at, None)
    assert (facts.newest_untried_at, facts.newest_untried_problem) == (shop.clock.now(), str(error))


def test_a_restored_backup_without_a_storage_to_compare_with_is_not_judged(shop: DrilledShop) -> None:
    head = shop.log_heads.newest()
    shop.storage.fault_injector.fail("objects", UnavailableError("The storage", "no answer"))
    report = Drills(unit_of_work=shop.unit_of_work, clock=shop.clock).run(
        lambda: shop.drill(newest_head=head)
    )
    assert report is not None
    assert report.is_undecided
    facts = facts_of(shop)
    assert (facts.newest_drill_at, facts.newest_untried_problem) == (None, "not_compared")
