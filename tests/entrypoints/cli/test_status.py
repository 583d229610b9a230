"""``restoreclick status`` finds conditions that were planted in a real database."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from domain.order import events as e
from domain.order.values import FailureReason, HoldReason, Money, OrderId
from domain.ports.errors import UnavailableError
from domain.use_cases.monitoring.conditions import CONDITIONS, ConditionCode, Severity
from domain.use_cases.order_transaction import Cause
from entrypoints.bootstrap.adapters import open_container
from entrypoints.settings import read_settings
from sandbox.services import valkey
from tests.changeable_log import changeable_log
from tests.doubles.container import InMemoryShop
from tests.entrypoints.support.shell import Shell

PHOTO = b"\xff\xd8 great-aunt-1931"
GIBIBYTE = 1024**3


@dataclass(frozen=True)
class Planted:
    """A shop of doubles on the database of the commands."""

    shop: InMemoryShop
    database_url: str

    def ago(self, **duration: float) -> None:
        """Let the shop's clock be this long ago."""
        past = datetime.now(UTC) - timedelta(**duration)
        self.shop.clock.advance(seconds=(past - self.shop.clock.now()).total_seconds())

    def record(self, order_id: OrderId, *events: e.Event) -> None:
        cause = Cause(name="planted", key=str(uuid4()), actor="test", correlation_id=order_id)
        self.shop.command_handler.handle(order_id, events, cause)

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.database_url) as connection:
            connection.execute(statement)

    def work(self, rows: int, *, status: str, attempts: int = 0, problem: str = "NULL", **ago: float) -> None:
        """Reactions that were due this long ago."""
        due = f"now() - interval '{timedelta(**ago).total_seconds()} seconds'"
        lease = "gen_random_uuid(), now() + interval '1 minute'" if status == "leased" else "NULL, NULL"
        self.sql(
            f"""INSERT INTO reactions (reaction_id, order_id, kind, arguments, status, first_due_at, due_at, attempts,
                problem, lease_token, leased_until)
            SELECT gen_random_uuid(), gen_random_uuid(), 'SendEmail', '{{}}', '{status}', {due}, {due}, {attempts},
                {problem}, {lease} FROM generate_series(1, {rows})"""
        )

    def stored(self, size_bytes: float) -> None:
        """An order whose photo has this size."""
        self.shop.pay(self.shop.upload(PHOTO))
        self.shop.work()
        self.sql(f"UPDATE file_uploads SET size_bytes = 1; UPDATE images SET size_bytes = {int(size_bytes)}")

    def owed_refund(self) -> None:
        """An order whose refund Stripe does not accept."""
        for _ in range(20):
            self.shop.payments.fault_injector.fail("issue_refund", UnavailableError("Stripe", "it is off"))
        self.shop.pay(self.shop.upload(PHOTO))
        self.shop.work()
        for _ in range(self.shop.policy.limits.max_restoration_attempts):
            self.shop.end_predictions(FailureReason.REFUSED_INPUT)
            self.shop.pass_time(seconds=10)

    def disputed(self) -> None:
        opened = e.DisputeOpened(
            dispute_id="dp_1926", amount=Money(amount=490, currency="EUR"), reason="fraudulent"
        )
        self.record(self.shop.pay(self.shop.upload(PHOTO)), opened)

    def delivered(self) -> None:
        self.shop.live(self.shop.pay(self.shop.upload(PHOTO)), hours=0.2)


@pytest.fixture
def planted(own_database_url: str, shop: InMemoryShop) -> Planted:
    planted = Planted(shop, own_database_url)
    planted.ago(minutes=0)
    return planted


def stalled(planted: Planted) -> None:
    planted.work(1, status="pending", minutes=31)


def long_queue(planted: Planted) -> None:
    planted.work(101, status="pending")


def slow(planted: Planted) -> None:
    planted.work(1, status="leased", minutes=6)


def failing(planted: Planted) -> None:
    planted.work(18, status="done", minutes=30)
    planted.work(1, status="failed", minutes=30)
    planted.work(1, status="pending", attempts=2, problem="'SendGrid is off'", minutes=1)


def nearly_full(planted: Planted) -> None:
    planted.stored(0.9 * GIBIBYTE)


def full(planted: Planted) -> None:
    planted.stored(0.96 * GIBIBYTE)


def owing(planted: Planted) -> None:
    planted.ago(hours=25)
    planted.owed_refund()


def dispute_of_yesterday(planted: Planted) -> None:
    planted.ago(days=1)
    planted.disputed()


def dispute_of_last_week(planted: Planted) -> None:
    planted.ago(days=6)
    planted.disputed()


def head_missing(planted: Planted) -> None:
    planted.ago(hours=2)
    planted.delivered()


def backup_overdue(planted: Planted) -> None:
    planted.sql(
        """INSERT INTO backup_runs (kind, began_at, ended_at, backup_id, size_bytes)
        VALUES ('backup', now() - interval '27 hours', now() - interval '27 hours', 'b', 1)"""
    )


def drill_failed(planted: Planted) -> None:
    planted.sql(
        """INSERT INTO backup_runs (kind, began_at, ended_at, backup_id, problem)
        VALUES ('drill', now(), now(), 'b', 'it broke')"""
    )


def drill_not_tried(planted: Planted) -> None:
    planted.sql(
        """INSERT INTO backup_runs (kind, began_at, ended_at, problem) VALUES ('drill', now(), now(), 'no answer')"""
    )


def drill_overdue(planted: Planted) -> None:
    planted.sql(
        """INSERT INTO backup_runs (kind, began_at, ended_at) VALUES
        ('drill', now() - interval '15 days', now() - interval '15 days'),
        ('drill', now() - interval '8 days', NULL)"""
    )


def log_not_archived(_: Planted) -> None:
    os.environ["BACKUP_KIND"] = "physical"  # `small_storage` restores it


def held(planted: Planted) -> None:
    planted.record(planted.shop.pay(planted.shop.upload(PHOTO)), e.OrderHeld(reason=HoldReason.REQUESTED))


PLANTS: dict[ConditionCode, Callable[[Planted], None]] = {
    ConditionCode.WORK_STALLED: stalled,
    ConditionCode.QUEUE_LONG: long_queue,
    ConditionCode.PROCESSING_SLOW: slow,
    ConditionCode.ERRORS_FREQUENT: failing,
    ConditionCode.STORAGE_FULL: full,
    ConditionCode.STORAGE_FILLING: nearly_full,
    ConditionCode.MONEY_OWED: owing,
    ConditionCode.DISPUTE_DUE_NOW: dispute_of_last_week,
    ConditionCode.DISPUTE_DUE_SOON: dispute_of_yesterday,
    ConditionCode.LOG_HEAD_MISSING: head_missing,
    ConditionCode.BACKUP_OVERDUE: backup_overdue,
    ConditionCode.DRILL_FAILED: drill_failed,
    ConditionCode.DRILL_NOT_TRIED: drill_not_tried,
    ConditionCode.DRILL_OVERDUE: drill_overdue,
    ConditionCode.LOG_NOT_ARCHIVED: log_not_archived,
    ConditionCode.WAITS_FOR_STAFF: held,
}

#: Of a dispute, an old payment and its work are part.
BESIDE = {
    ConditionCode.LOG_HEAD_MISSING,
    ConditionCode.WORK_STALLED,
    ConditionCode.PROCESSING_SLOW,
    ConditionCode.WAITS_FOR_STAFF,
    ConditionCode.ERRORS_FREQUENT,
    ConditionCode.BACKUP_OVERDUE,
}


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(autouse=True)
def small_storage(
    restoreclick: Shell,  # noqa: ARG001 -- its environment is changed here
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("STORAGE_LIMIT_GIBIBYTES", "1")
    monkeypatch.setenv("BACKUP_KEY", "a key of thirty-two characters or more")
    monkeypatch.setenv("BACKUP_KIND", "logical")  # the server archives no log
    monkeypatch.setenv("BACKUP_DRILL_INTERVAL_HOURS", "168")


def found(document: str) -> dict[str, Any]:
    return {each["condition"]: each for each in json.loads(document)["conditions"]}


def test_a_shop_without_conditions_is_fine(restoreclick: Shell) -> None:
    assert restoreclick("status") == (0, "The shop is fine.\n", "")
    answer = restoreclick("status", "--json")
    assert answer.status == 0
    document = json.loads(answer.out)
    assert (document["status"], document["conditions"]) == ("fine", [])


def test_every_condition_is_planted() -> None:
    elsewhere = {
        ConditionCode.DATABASE_FULL,
        ConditionCode.DATABASE_BEHIND_LOG,
        ConditionCode.LOG_READERS_LATE,
        ConditionCode.LOG_UNARCHIVED,
        ConditionCode.STORAGE_UNAVAILABLE,
        ConditionCode.QUEUE_UNAVAILABLE,
    }
    assert {*PLANTS, *elsewhere} == {each.code for each in CONDITIONS}


@pytest.mark.parametrize(
    "condition", [each for each in CONDITIONS if each.code in PLANTS], ids=lambda each: each.code
)
def test_a_planted_condition_is_found(restoreclick: Shell, planted: Planted, condition: Any) -> None:
    PLANTS[condition.code](planted)
    answer = restoreclick("status", "--json")
    conditions = found(answer.out)
    assert condition.code in conditions
    assert set(conditions) <= {condition.code, *BESIDE}
    seen = conditions[condition.code]
    assert condition.holds(seen["value"])
    assert seen["severity"] == condition.severity
    urgent = any(each["severity"] == Severity.URGENT for each in conditions.values())
    assert answer.status == (2 if urgent else 1)


def test_a_condition_is_printed_with_what_to_do(restoreclick: Shell, planted: Planted) -> None:
    stalled(planted)
    answer = restoreclick("status")
    assert answer.status == 2
    assert re.search(
        r"^URGENT: Work has been due for 3\d minutes, and no worker does it\.$", answer.out, re.MULTILINE
    )
    assert "  Start the workers, or look in their log for calls that hang.\n" in answer.out


@contextmanager
def open_transaction(database_url: str) -> Iterator[None]:
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT pg_current_xact_id()")
        yield


def test_a_forgotten_transaction_is_found(
    restoreclick: Shell, planted: Planted, own_database_url: str
) -> None:
    with open_transaction(own_database_url):
        planted.ago(minutes=20)
        planted.delivered()
        assert ConditionCode.LOG_READERS_LATE in found(restoreclick("status", "--json").out)
    assert ConditionCode.LOG_READERS_LATE not in found(restoreclick("status", "--json").out)


def test_a_head_in_the_storage_protects_the_log(restoreclick: Shell, planted: Planted) -> None:
    head_missing(planted)
    assert ConditionCode.LOG_HEAD_MISSING in found(restoreclick("status", "--json").out)
    with open_container(read_settings()) as shop:
        head = shop.log_heads.replace()
        assert head is not None
    try:
        assert ConditionCode.LOG_HEAD_MISSING not in found(restoreclick("status", "--json").out)
    finally:
        with open_container(read_settings()) as shop:
            shop.ports.storage.purge("log/heads/")


def test_a_database_without_the_newest_events_is_urgent(
    restoreclick: Shell, planted: Planted, own_database_url: str
) -> None:
    planted.delivered()
    with open_container(read_settings()) as shop:
        shop.log_heads.replace()
    try:
        assert ConditionCode.DATABASE_BEHIND_LOG not in found(restoreclick("status", "--json").out)
        with psycopg.connect(own_database_url) as connection, changeable_log(connection):
            # as a backup of before would be
            connection.execute("DELETE FROM events WHERE position = (SELECT max(position) FROM events)")
        answer = restoreclick("status", "--json")
        assert answer.status == 2
        assert ConditionCode.DATABASE_BEHIND_LOG in found(answer.out)
    finally:
        with open_container(read_settings()) as shop:
            shop.ports.storage.purge("log/heads/")


@pytest.mark.parametrize(
    ("setting", "value", "answers"),
    [
        ("S3_ENDPOINT", "http://127.0.0.1:9", "The storage is not available"),
        ("S3_SECRET_KEY", "another key than the server's", "The storage refuses access"),
        ("S3_BUCKET", "no-such-bucket", "has no bucket no-such-bucket"),
    ],
)
def test_a_storage_that_does_not_serve_the_shop_is_urgent(
    restoreclick: Shell, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, answers: str
) -> None:
    monkeypatch.setenv(setting, value)
    answer = restoreclick("status")
    assert answer.status == 2
    assert "URGENT: The storage does not serve the shop" in answer.out
    assert answers in answer.out
    answer = restoreclick("status", "--json")
    assert set(found(answer.out)) == {ConditionCode.STORAGE_UNAVAILABLE}
    assert answers in json.loads(answer.out)["storage_problem"]


def test_a_redis_that_is_off_needs_attention(restoreclick: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    answer = restoreclick("status")
    assert answer.status == 1
    assert "Redis takes no messages" in answer.out
    assert "REDIS_URL" in answer.out
    answer = restoreclick("status", "--json")
    assert set(found(answer.out)) == {ConditionCode.QUEUE_UNAVAILABLE}
    assert "REDIS_URL" in json.loads(answer.out)["queue_problem"]


def test_a_database_that_is_off_is_urgent(restoreclick: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:9/none")
    answer = restoreclick("status")
    assert answer.status == 2
    assert "check DATABASE_URL" in answer.out
    answer = restoreclick("status", "--json")
    assert (answer.status, json.loads(answer.out)["status"]) == (2, "urgent")
