"""Backups on a real cluster: made, archived, restored, and tried."""

import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from adapters.postgres.log_archive import move
from adapters.postgres.schema_upgrade import upgrade
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.states import State
from domain.order.values import OrderId
from entrypoints.bootstrap import restores
from entrypoints.bootstrap.backup_storage import open_wal_archive
from entrypoints.bootstrap.backups import open_log_shipping
from entrypoints.bootstrap.restores import fetching
from entrypoints.settings import read_settings
from sandbox.services.seaweedfs_server import S3
from tests.adapters.support.cluster_backup import owned_like
from tests.changeable_log import changeable_log
from tests.doubles.container import InMemoryShop
from tests.entrypoints.support.archiving_cluster import (
    Cluster,
    archive_with,
    env_file,
    environment_of,
    photos_in,
    running,
)
from tests.entrypoints.support.server_user import run
from tests.entrypoints.support.shell import Answer, Shell


@dataclass(frozen=True)
class BackedUpShop:
    """A shop on a cluster that archives its log."""

    cluster: Cluster
    shop: InMemoryShop
    environment: dict[str, str]

    def sell(self, photo: bytes) -> OrderId:
        order_id = self.shop.pay(self.shop.upload(photo))
        assert self.shop.live(order_id, hours=0.1).state is State.COMPLETED
        return order_id


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory, bucket: S3) -> Iterator[BackedUpShop]:
    folder = tmp_path_factory.mktemp("cluster")
    environment = environment_of(bucket)
    archive_with(environment, folder)
    with running(folder) as cluster, closing(photos_in(bucket)) as photos:
        upgrade(cluster.url)
        with closing(PostgresUnitOfWork(cluster.url, connections=4)) as unit_of_work:
            shop = InMemoryShop(unit_of_work=unit_of_work)
            shop.storage = photos  # type: ignore[assignment]  # the drill looks for the photos there
            shop.wire(shop.payments)
            yield BackedUpShop(cluster, shop, {**environment, "DATABASE_URL": cluster.url})


@pytest.fixture
def restoreclick(
    backed_up: BackedUpShop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    for name, value in backed_up.environment.items():
        monkeypatch.setenv(name, value)
    return Shell(capsys)


def made(answer: Answer) -> dict[str, object]:
    assert answer.status == 0, answer.err
    return dict(json.loads(answer.out))


def drill(backed_up: BackedUpShop, folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """Run the drill as PostgreSQL's user; return its status and report."""
    ended = run(backed_up.environment, folder, "restore", "--drill", "--json", *more)
    assert "{" in ended.text, ended.text
    return ended.status, json.loads(ended.document)


@pytest.mark.slow
def test_a_drill_restores_base_backup_and_archived_log_and_finds_nothing_lost(
    backed_up: BackedUpShop, restoreclick: Shell, tmp_path: Path
) -> None:
    backed_up.sell(b"before the backup")
    backup = made(restoreclick("backup", "--json"))
    assert backup["kind"] == "physical"
    backed_up.sell(b"after the backup")
    backed_up.shop.log_heads.write()
    backed_up.cluster.archive()
    status, report = drill(backed_up, tmp_path)
    assert (status, report["problems"]) == (0, []), report
    assert report["orders"] == report["rebuilt"] >= 2
    assert (report["has_newest_head"], report["newest_head_at"] is not None) == (True, True)
    listed = json.loads(restoreclick("backup", "list", "--json").out)
    assert [each["backup_id"] for each in listed["backups"]] == [backup["backup_id"]]
    assert listed["facts"]["newest_drill_problem"] is None
    assert listed["facts"]["newest_drill_at"] is not None
    assert listed["facts"]["unarchived_since"] is None


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([], id="fetched by PostgreSQL", marks=pytest.mark.slow),
        pytest.param(["--with-log"], id="fetched before"),
    ],
)
def test_a_restore_ends_at_the_moment_before_a_mistake(
    backed_up: BackedUpShop, restoreclick: Shell, tmp_path: Path, more: list[str]
) -> None:
    made(restoreclick("backup", "--json"))
    wanted = backed_up.sell(b"before the mistake")
    moment = database_time(backed_up.cluster.url)
    mistake = backed_up.sell(b"the mistake")
    backed_up.cluster.archive()
    home = tmp_path / "postgresql"
    home.mkdir(mode=0o700)
    file = env_file(backed_up.environment, tmp_path)
    answer = restoreclick(
        "restore", "--into", str(home / "data"), "--at", moment, "--env-file", str(file), *more
    )
    if more:
        file.unlink()  # nothing is fetched any more
    assert (answer.status, "Start PostgreSQL 18 on" in answer.out) == (0, True), answer
    owned_like(home / "data", backed_up.cluster.data)
    with (
        running(tmp_path) as restored,
        closing(PostgresUnitOfWork(restored.url, connections=1)) as unit_of_work,
    ):
        restored.wait_for_recovery()
        with unit_of_work.transaction() as transaction:
            found = [bool(transaction.event_store.history(each)) for each in (wanted, mistake)]
        # Later backups would carry it, and none of them could be restored with its own.
        assert not list(restored.data.glob("*fetched_log*"))
    assert found == [True, False]


def database_time(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'").fetchone()
    assert row is not None
    return str(row[0])


def test_a_folder_that_holds_anything_is_never_overwritten(restoreclick: Shell, tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("18")
    answer = restoreclick("restore", "--into", str(tmp_path))
    assert (answer.status, answer.err) == (
        2,
        f"{tmp_path} is not empty: move away what is in it, or name another folder.\n",
    )
    assert [each.name for each in tmp_path.iterdir()] == ["PG_VERSION"]


def test_a_dump_is_restored_into_an_empty_database_and_its_log_can_be_read_at_once(
    backed_up: BackedUpShop, restoreclick: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = backed_up.sell(b"in the dump")
    archived = backed_up.sell(b"archived, in the dump")
    with backed_up.shop.unit_of_work.transaction() as transaction:
        transaction.event_store.lock(archived)
        move(transaction.event_store.connection, [archived])  # type: ignore[attr-defined]  # PostgreSQL's
    assert made(restoreclick("backup", "--logical", "--json"))["kind"] == "logical"
    refused = restoreclick("restore", "--logical")
    assert (refused.status, "tables already" in refused.err) == (1, True)
    with running(tmp_path) as fresh:
        monkeypatch.setenv("DATABASE_URL", fresh.url)
        assert restoreclick("restore", "--logical").status == 0
        shown = [json.loads(line) for line in restoreclick("events", "tail", "--json").out.splitlines()]
        assert {str(order_id), str(archived)} <= {event["order_id"] for event in shown}
        assert restoreclick("events", "verify").status == 0
        for table in ("events", "ONLY events", "events_2026_03"):
            with psycopg.connect(fresh.url) as connection, pytest.raises(psycopg.errors.RestrictViolation):
                connection.execute(f"DELETE FROM {table}")


@pytest.mark.slow
def test_a_drill_of_a_dump_succeeds(backed_up: BackedUpShop, restoreclick: Shell, tmp_path: Path) -> None:
    backed_up.sell(b"before the dump")
    dump = made(restoreclick("backup", "--logical", "--json"))
    status, report = drill(backed_up, tmp_path, "--backup", str(dump["backup_id"]))
    assert (status, report["problems"]) == (0, []), report


def test_a_drill_reports_a_log_that_was_changed(
    backed_up: BackedUpShop, restoreclick: Shell, tmp_path: Path
) -> None:
    backed_up.sell(b"forged later")
    change = "UPDATE events SET data = jsonb_set(data, '{version}', '9') WHERE position = 1"
    original = "UPDATE events SET data = data - 'version' WHERE position = 1"
    changed(backed_up.cluster.url, change)
    try:
        dump = made(restoreclick("backup", "--logical", "--json"))
        status, report = drill(backed_up, tmp_path, "--backup", str(dump["backup_id"]))
    finally:
        changed(backed_up.cluster.url, original)
    assert (status, "log_damaged" in report["problems"]) == (1, True), report
    facts = json.loads(restoreclick("backup", "list", "--json").out)["facts"]
    assert "log_damaged" in facts["newest_drill_problem"]


def changed(url: str, statement: LiteralString) -> None:
    with psycopg.connect(url) as connection, changeable_log(connection):
        connection.execute(statement)


def test_without_a_key_nothing_is_backed_up(restoreclick: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BACKUP_KEY")
    answer = restoreclick("backup")
    assert (answer.status, answer.err.startswith("BACKUP_KEY is missing: set it to 32")) == (2, True)


def test_backups_of_another_key_are_not_offered(restoreclick: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    backup_id = made(restoreclick("backup", "--logical", "--json"))["backup_id"]
    monkeypatch.setenv("BACKUP_KEY", "another key, with more than thirty-two characters")
    listed = json.loads(restoreclick("backup", "list", "--json").out)
    assert (listed["backups"], backup_id in listed["unopened"]) == ([], True)
    shown = restoreclick("backup", "list").out
    assert f"Backup {backup_id}: another BACKUP_KEY made it, this one does not open it.\n" in shown
    assert "BACKUP_KEY opens no backup" in shown
    assert "The newest backup is" not in shown
    assert "There is no backup yet" not in shown
    answer = restoreclick("restore", "--into", "/nowhere/data")
    assert (answer.status, "BACKUP_KEY opens" in answer.err) == (1, True)


def test_with_the_previous_key_earlier_backups_can_be_restored(
    backed_up: BackedUpShop, restoreclick: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = made(restoreclick("backup", "--logical", "--json"))["backup_id"]
    keys = {
        "BACKUP_KEY": "a new key, with more than thirty-two characters",
        "BACKUP_PREVIOUS_KEY": backed_up.environment["BACKUP_KEY"],
    }
    for name, key in keys.items():
        monkeypatch.setenv(name, key)
    later = made(restoreclick("backup", "--logical", "--json"))["backup_id"]
    listed = json.loads(restoreclick("backup", "list", "--json").out)
    assert {earlier, later} <= {each["backup_id"] for each in listed["backups"]}
    command = ("restore", "--drill", "--json", "--backup", str(earlier))
    ended = run({**backed_up.environment, **keys}, tmp_path, *command)
    assert (ended.status, json.loads(ended.document)["problems"]) == (0, []), ended


def test_without_the_database_the_backups_in_the_bucket_are_listed(
    restoreclick: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup_id = made(restoreclick("backup", "--logical", "--json"))["backup_id"]
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop@127.0.0.1:1/shop")
    answer = restoreclick("backup", "list")
    assert (answer.status, f"Backup {backup_id}: " in answer.out) == (1, True), answer
    assert "The database cannot be used" in answer.err
    listed = json.loads(restoreclick("backup", "list", "--json").out)
    assert (listed["backups"][-1]["backup_id"], listed["facts"]) == (backup_id, None)


def test_a_folder_that_cannot_be_made_is_named(restoreclick: Shell, tmp_path: Path) -> None:
    made(restoreclick("backup", "--json"))
    (tmp_path / "disk").write_text("no folder")
    answer = restoreclick("restore", "--into", str(tmp_path / "disk/data"))
    assert (answer.status, answer.err) == (
        1,
        f"Nothing can be saved in {tmp_path}/disk/data (Not a directory): make room there, or choose another folder.\n",
    )


def test_on_a_restore_that_was_cut_off_no_server_starts(
    restoreclick: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(restoreclick("backup", "--json"))

    def full_disk(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(restores, "fetch_log", full_disk)
    answer = restoreclick("restore", "--into", str(tmp_path / "data"), "--with-log")
    assert (answer.status, "No space left on device" in answer.err) == (1, True), answer
    assert (tmp_path / "data/PG_VERSION").exists()
    assert (tmp_path / "data/recovery.signal").exists()


def test_a_drill_with_another_key_says_nothing_about_the_backup(
    backed_up: BackedUpShop, restoreclick: Shell, tmp_path: Path
) -> None:
    made(restoreclick("backup", "--logical", "--json"))
    before = json.loads(restoreclick("backup", "list", "--json").out)["facts"]
    environment = {**backed_up.environment, "BACKUP_KEY": "another key, with more than thirty-two characters"}
    ended = run(environment, tmp_path, "restore", "--drill")
    assert (ended.status, "BACKUP_KEY opens" in ended.text) == (1, True), ended
    facts = json.loads(restoreclick("backup", "list", "--json").out)["facts"]
    assert facts["newest_drill_problem"] == before["newest_drill_problem"]
    assert "BACKUP_KEY opens" in facts["newest_untried_problem"]
    shown = restoreclick("backup", "list").out
    assert "could not be tried (The bucket has no backup that BACKUP_KEY opens" in shown


def test_a_missing_program_is_named_with_the_setting(
    restoreclick: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POSTGRESQL_PROGRAMS", str(tmp_path))
    answer = restoreclick("backup")
    assert answer.status == 1
    assert answer.err.startswith(f"pg_basebackup failed: it is not in {tmp_path}; install")
    facts = json.loads(restoreclick("backup", "list", "--json").out)["facts"]
    assert facts["newest_failure"].startswith("pg_basebackup failed")


@pytest.fixture
def in_data_directory(backed_up: BackedUpShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL runs the commands in its data directory."""
    monkeypatch.chdir(backed_up.cluster.data)


@pytest.mark.usefixtures("in_data_directory")
def test_a_file_of_the_log_comes_back_as_it_was_pushed(restoreclick: Shell, tmp_path: Path) -> None:
    name = "0000000900000009000000AA"
    (tmp_path / name).write_bytes(b"records" * 1000)
    assert restoreclick("backup", "wal", "push", str(tmp_path / name)).status == 0
    assert restoreclick("backup", "wal", "push", str(tmp_path / name)).status == 0, "a repeat is harmless"
    assert restoreclick("backup", "wal", "fetch", name, str(tmp_path / "fetched")).status == 0
    assert (tmp_path / "fetched").read_bytes() == b"records" * 1000
    (tmp_path / name).write_bytes(b"other records")
    assert restoreclick("backup", "wal", "push", str(tmp_path / name)).status == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == [name, "fetched"]


@pytest.mark.usefixtures("in_data_directory")
def test_only_a_missing_file_is_the_end_of_the_log(
    restoreclick: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = ["backup", "wal", "fetch", "0000000900000009000000FF", str(tmp_path / "none")]
    assert restoreclick(*fetch).status == 66
    for name, value in [
        ("S3_SECRET_KEY", "not the secret key"),
        ("BACKUP_S3_BUCKET", "no-such-bucket"),
        ("S3_ENDPOINT", "http://127.0.0.1:9"),
        ("BACKUP_KEY", "short"),
    ]:
        with monkeypatch.context() as changed_setting:
            changed_setting.setenv(name, value)
            assert restoreclick(*fetch).status == 255, name
    monkeypatch.chdir(tmp_path)
    assert restoreclick(*fetch).status == 255, "this is no data directory"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("status", "passed_on"), [(0, 0), (66, 1), (1, 255), (127, 255), (255, 255)])
def test_a_program_that_cannot_start_is_not_the_end_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, passed_on: int
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nexit {status}\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    command = fetching(None).replace("%f", "0000000900000009000000FF").replace("%p", str(tmp_path / "none"))
    assert subprocess.run(["/bin/sh", "-c", command], check=False).returncode == passed_on  # noqa: S603


def test_workers_archive_the_log_from_a_folder(backed_up: BackedUpShop, tmp_path: Path) -> None:
    settings = read_settings(env_file(backed_up.environment, tmp_path))
    folder = tmp_path / "archive"
    folder.mkdir()
    names = ["0000000900000009000000B1", "0000000900000009000000B2"]
    for name in names:
        (folder / name).write_bytes(name.encode())
    (folder / f"{names[1]}.part").write_bytes(b"half")
    settings = settings.model_copy(update={"backup_wal_directory": folder})
    with open_log_shipping(settings, backed_up.shop.ports) as ship_log:
        assert ship_log is not None
        ship_log()
    assert [each.name for each in folder.iterdir()] == [f"{names[1]}.part"]
    with open_wal_archive(settings, backed_up.cluster.data) as archive:
        assert [b"".join(archive.fetch(name)) for name in names] == [name.encode() for name in names]
