"""Commands on a database that still replays its log."""

from collections.abc import Iterator

import psycopg
import pytest

from adapters.postgres.schema_upgrade import upgrade
from tests.entrypoints.cli.complete_settings import complete_settings
from tests.entrypoints.support.archiving_cluster import Cluster, running
from tests.entrypoints.support.shell import Shell


@pytest.fixture(scope="module")
def replaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that replays for ever, as a standby does."""
    folder = tmp_path_factory.mktemp("cluster")
    with running(folder) as cluster:
        upgrade(cluster.url)
    signal = cluster.data / "standby.signal"
    signal.touch()
    with running(folder) as cluster:
        yield cluster


@pytest.fixture
def restoreclick(
    replaying: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    for name, value in {**complete_settings(), "DATABASE_URL": replaying.url}.items():
        monkeypatch.setenv(name, value)
    return Shell(capsys)


@pytest.mark.parametrize(
    "words", [["status"], ["orders", "list"], ["serve"], ["worker"], ["db", "upgrade"]], ids=" ".join
)
def test_each_command_says_to_wait_for_the_end_of_the_log(restoreclick: Shell, words: list[str]) -> None:
    answer = restoreclick(*words)
    shown = answer.out + answer.err
    assert answer.status != 0
    assert "still replays its log" in shown
    assert "wait" in shown
    assert "standby" in shown
    assert "that PostgreSQL is running" not in shown


def test_a_database_that_was_set_to_read_only_does_not_replay(
    restoreclick: Shell, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", own_database_url)
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
    answer = restoreclick("orders", "list")
    assert "session is read-only" in answer.err
    assert "replays" not in answer.err
