"""The archived log of a shop that writes faster than it archives."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from adapters.postgres.schema_upgrade import upgrade
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.ports.backup_runs import BackupFacts
from tests.contracts.stored_streams import facts, take_order
from tests.entrypoints.support.archiving_cluster import Cluster, running
from tests.waiting import eventually

#: Modification times are listed in whole seconds, by a clock of the kernel that is behind by up to a hundredth.
NEXT_SECOND = """SELECT clock_timestamp() > max(modification) + interval '1.1 seconds'
    FROM pg_ls_archive_statusdir() WHERE starts_with(name, %s)"""
TIMEOUT = timedelta(seconds=31)
ROLE = "shop_without_more"


@dataclass(frozen=True)
class GatedCluster:
    """A cluster that archives what the test lets through."""

    cluster: Cluster
    database: PostgresUnitOfWork

    def record(self) -> datetime:
        """Record an event now; return when."""
        now = datetime.now(UTC)
        take_order(self.database, facts(), at=now)
        return now

    def switch(self) -> str:
        """Begin a new file of the log; return the old one.

        What is recorded next has a later time than the old one.
        """
        with psycopg.connect(self.cluster.url, autocommit=True) as connection:
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
            assert row is not None
            eventually(
                lambda: connection.execute(NEXT_SECOND, row).fetchone() == (True,),
                "the second after that of the old file",
            )
        return str(row[0])

    def archive(self, name: str) -> None:
        """Let one file be archived, and those before it."""
        gate = self.cluster.data / "gate"
        (gate / name).touch()
        with psycopg.connect(self.cluster.url, autocommit=True) as connection:
            eventually(
                lambda: (
                    connection.execute(
                        "SELECT coalesce(last_archived_wal >= %s, false) FROM pg_stat_archiver", [name]
                    ).fetchone()
                    == (True,)
                ),
                "the archived file",
            )

    def checkpoint(self) -> None:
        """Have the server forget which files it archived."""
        with psycopg.connect(self.cluster.url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def facts(self) -> BackupFacts:
        """The facts, as a superuser reads them."""
        return facts_of(self.database)


def facts_of(database: PostgresUnitOfWork) -> BackupFacts:
    with database.transaction() as transaction:
        return transaction.backup_runs.facts()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatedCluster]:
    folder = tmp_path_factory.mktemp("cluster")
    settings = {
        "archive_mode": "on",
        "archive_timeout": "30s",
        # The last file that was let through is the newest in the folder.
        "archive_command": 'until [ -e gate ] && [ "$(ls gate | tail -n 1)" ">" %f -o -e gate/%f ]; do sleep 0.1; done',
    }
    with running(folder) as cluster, psycopg.connect(cluster.url, autocommit=True) as connection:
        for name, value in settings.items():
            connection.execute(
                sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
            )
    with running(folder) as cluster:
        gate = cluster.data / "gate"
        gate.mkdir(mode=0o777)
        gate.chmod(0o777)
        upgrade(cluster.url)
        with closing(PostgresUnitOfWork(cluster.url, connections=1)) as database:
            yield GatedCluster(cluster, database)
        (gate / "F").touch()  # or the server waits for its archiver when it stops


@pytest.fixture
def gated(server: GatedCluster) -> GatedCluster:
    """The cluster, with everything archived."""
    server.record()
    server.archive(server.switch())
    return server


@pytest.fixture
def plain(gated: GatedCluster) -> Iterator[PostgresUnitOfWork]:
    """The database for a role that may not list what is archived."""
    with psycopg.connect(gated.cluster.url, autocommit=True) as connection:
        role = sql.Identifier(ROLE)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(role))
    url = make_url(gated.cluster.url).set(username=ROLE).render_as_string(hide_password=False)
    with closing(PostgresUnitOfWork(url, connections=1)) as database:
        yield database


def test_a_log_of_which_files_wait_is_not_complete(gated: GatedCluster) -> None:
    gated.record()
    first = gated.switch()
    second_event = gated.record()
    second = gated.switch()
    gated.record()
    gated.switch()
    gated.archive(first)
    found = gated.facts()
    assert found.newest_archived_at is not None
    assert found.newest_archived_at > second_event, "a file was archived after each event"
    assert (found.unarchived_since, found.waiting_files) == (second_event, 2)
    gated.archive(second)
    third_event = gated.facts().unarchived_since
    assert third_event is not None
    assert third_event > second_event


def test_a_log_without_waiting_files_lacks_what_was_recorded_since(gated: GatedCluster) -> None:
    gated.record()
    first = gated.switch()
    later = gated.record()
    gated.archive(first)
    found = gated.facts()
    assert found.newest_archived_at is not None
    assert found.newest_archived_at > later
    assert (found.unarchived_since, found.waiting_files) == (later, 0)
    gated.archive(gated.switch())
    found = gated.facts()
    assert (found.unarchived_since, found.waiting_files) == (None, 0)


def test_a_backlog_from_before_a_checkpoint_is_known_to_be_old(gated: GatedCluster) -> None:
    waiting = gated.record()
    gated.switch()
    gated.record()
    gated.switch()
    gated.checkpoint()
    found = gated.facts()
    assert found.waiting_files == 2
    assert found.unarchived_since is not None
    assert waiting - TIMEOUT <= found.unarchived_since <= waiting


def test_a_role_that_sees_no_files_never_calls_a_backlog_complete(
    gated: GatedCluster, plain: PostgresUnitOfWork
) -> None:
    moments, names = [], []
    for _ in range(4):
        moments.append(gated.record())
        names.append(gated.switch())
    gated.archive(names[0])
    found = facts_of(plain)
    assert found.unarchived_since is not None
    assert found.unarchived_since <= moments[1], "it may seem older than it is, never younger"
    assert found.waiting_files == 3
    gated.checkpoint()
    since = facts_of(plain).unarchived_since
    assert since is not None
    assert since <= moments[1], "no checkpoint hides a backlog"
    gated.archive(names[-1])
    assert (facts_of(plain).unarchived_since, facts_of(plain).waiting_files) == (None, 0)
