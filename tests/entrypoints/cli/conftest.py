"""Fixtures of the command line on a database of its own."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.postgres import schema
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from sandbox.processes import Supervisor
from sandbox.services import seaweedfs_server
from sandbox.services.seaweedfs_server import S3
from tests.doubles.container import InMemoryShop
from tests.entrypoints.support.archiving_cluster import make_buckets
from tests.entrypoints.support.next_version import add_migration
from tests.entrypoints.support.shell import Shell


@pytest.fixture
def log_commands(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.setenv("DATABASE_URL", own_database_url)
    return Shell(capsys)


@pytest.fixture
def unit_of_work(own_database_url: str) -> Iterator[PostgresUnitOfWork]:
    with closing(PostgresUnitOfWork(own_database_url, connections=1)) as unit_of_work:
        yield unit_of_work


@pytest.fixture
def shop(own_database_url: str) -> Iterator[InMemoryShop]:
    """A shop of doubles on the database of the commands."""
    unit_of_work = PostgresUnitOfWork(own_database_url, connections=2)
    yield InMemoryShop(unit_of_work=unit_of_work)
    unit_of_work.close()


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Give this program one more migration."""
    yield lambda statement: add_migration(tmp_path / "migrations", statement, monkeypatch)
    schema.known_revisions.cache_clear()


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """An S3 server with the buckets of photos and of backups."""
    with Supervisor() as supervisor:
        s3 = seaweedfs_server.start(supervisor, tmp_path_factory.mktemp("bucket"))
        make_buckets(s3)
        yield s3
