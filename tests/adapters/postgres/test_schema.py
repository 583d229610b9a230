"""The migrations establish the schema in ``tables``, and can be reversed."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.base import ischema_names

from adapters.postgres import schema as migrations
from adapters.postgres import schema_upgrade
from adapters.postgres.connections import connect
from adapters.postgres.schema_upgrade import downgrade, upgrade
from adapters.postgres.tables import Xid8, metadata
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.ports.errors import UnavailableError
from tests.adapters.support import catalog
from tests.adapters.support.waiting_for_locks import until_it_waits_or_ends
from tests.contracts.stored_streams import facts, take_order

VERSIONS = Path(__file__).parents[3] / "migrations" / "versions"

TOUCHED = {
    "customers",
    "upload_sessions",
    "orders",
    "images",
    "restoration_jobs",
    "email_queue",
    "download_links",
    "reactions",
    "unmatched_payments",
}


@pytest.fixture
def empty_database_url(own_database_url: str) -> str:
    """A database without a schema."""
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return own_database_url


@pytest.fixture
def xid8_is_known() -> Iterator[None]:
    """Register PostgreSQL's transaction ids, which SQLAlchemy's reflection lacks."""
    ischema_names["xid8"] = Xid8
    yield
    del ischema_names["xid8"]


def test_the_files_names_contain_the_revisions_that_alembic_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert migrations.known_revisions() == {each.revision for each in scripts.walk_revisions()}
    assert migrations._newest_revision() == scripts.get_current_head()  # noqa: SLF001


@pytest.mark.usefixtures("xid8_is_known")
def test_the_migrated_schema_is_the_one_the_tables_describe(database_url: str) -> None:
    engine = connect(database_url, connections=1)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.parametrize("aspect", [catalog.checks, catalog.indexes, catalog.foreign_keys, catalog.columns])
def test_aspects_that_alembic_does_not_compare_are_the_same(
    database_url: str, empty_database_url: str, aspect: Callable[[str], set[str]]
) -> None:
    engine = connect(empty_database_url, connections=1)
    metadata.create_all(engine)
    engine.dispose()
    assert aspect(database_url) == aspect(empty_database_url) != set()


def test_triggers_keep_updated_at_and_the_log(database_url: str) -> None:
    touching = {
        f"CREATE TRIGGER {table}_updated_at BEFORE UPDATE ON public.{table} "
        "FOR EACH ROW EXECUTE FUNCTION touch_updated_at()"
        for table in TOUCHED
    }
    deleted = "REFERENCING OLD TABLE AS deleted"
    keeping_the_log = {
        f"CREATE TRIGGER events_{name} {when} ON public.events {rows} EXECUTE FUNCTION {function}"
        for name, when, rows, function in (
            ("append_only", "BEFORE UPDATE OR TRUNCATE", "FOR EACH STATEMENT", "refuse_change() (ALWAYS)"),
            ("keep_rows", "BEFORE DELETE", "FOR EACH ROW", "refuse_loss() (ALWAYS)"),
            ("keep_whole", "AFTER DELETE", f"{deleted} FOR EACH STATEMENT", "refuse_split() (ALWAYS)"),
            ("have_predecessors", "AFTER INSERT", "FOR EACH ROW WHEN ((new.version > 1))", "refuse_gap()"),
        )
    }
    assert catalog.triggers(database_url) == touching | keeping_the_log
    assert {name for name, table in metadata.tables.items() if "updated_at" in table.c} == TOUCHED


def test_the_schema_goes_down_to_nothing_and_up_again(database_url: str, own_database_url: str) -> None:
    aspects = (catalog.columns, catalog.checks, catalog.indexes, catalog.triggers, catalog.functions)
    downgrade(own_database_url)
    assert [aspect(own_database_url) for aspect in aspects] == [set()] * len(aspects)
    upgrade(own_database_url)
    assert [a(own_database_url) for a in aspects] == [a(database_url) for a in aspects]


def test_each_revision_can_be_taken_back_by_itself(own_database_url: str) -> None:
    revisions = sorted(file.name[:4] for file in VERSIONS.glob("[0-9]*.py"))
    for revision in reversed(revisions[:-1]):
        downgrade(own_database_url, revision)
    for revision in revisions[1:]:
        upgrade(own_database_url, revision)


def test_an_upgrade_from_many_processes_at_once_is_idempotent(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as processes:
        list(processes.map(lambda _: upgrade(empty_database_url), range(4)))
    upgrade(empty_database_url)
    unit_of_work = PostgresUnitOfWork(empty_database_url, connections=1)
    unit_of_work.check()
    unit_of_work.close()


def test_an_older_schema_is_reported_with_how_to_upgrade_it(own_database_url: str) -> None:
    downgrade(own_database_url, "0003")
    unit_of_work = PostgresUnitOfWork(own_database_url, connections=1)
    with pytest.raises(
        UnavailableError,
        match=r"at 0003, older than .* needs \d{4}; run `restoreclick db upgrade`",
    ):
        unit_of_work.check()
    unit_of_work.close()


def make_newer(database_url: str, *, oldest_program: str) -> None:
    """Leave the schema as a later program would."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9042'")
        connection.execute("UPDATE schema_compatibility SET oldest_program = %s", [oldest_program])


def test_a_newer_compatible_schema_is_accepted(own_database_url: str) -> None:
    newest = max(file.name[:4] for file in VERSIONS.glob("[0-9]*.py"))
    make_newer(own_database_url, oldest_program=newest)
    with closing(PostgresUnitOfWork(own_database_url, connections=1)) as unit_of_work:
        unit_of_work.check()


def test_a_newer_incompatible_schema_is_refused(own_database_url: str) -> None:
    make_newer(own_database_url, oldest_program="9041")
    says = r"at 9042, newer than this program, which knows \d{4} at most; install the version of RestoreClick"
    with (
        closing(PostgresUnitOfWork(own_database_url, connections=1)) as unit_of_work,
        pytest.raises(UnavailableError, match=says),
    ):
        unit_of_work.check()
    with pytest.raises(UnavailableError, match=says):
        upgrade(own_database_url)


def test_an_old_server_is_refused_with_the_minimum_version(
    own_database_url: str, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "OLDEST_SERVER", 99)
    says = r"the server is version 1[5-9]\.\d+, and the shop needs 99 or later; upgrade the server"
    with pytest.raises(UnavailableError, match=says):
        upgrade(empty_database_url)
    assert catalog.columns(empty_database_url) == set()
    with (
        closing(PostgresUnitOfWork(own_database_url, connections=1)) as unit_of_work,
        pytest.raises(UnavailableError, match=says),
    ):
        unit_of_work.check()


def test_a_migration_retries_for_the_lock_of_a_table_in_use(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(schema_upgrade, "LOCK_PAUSE_SECONDS", 0)
    downgrade(own_database_url, "0001")
    with psycopg.connect(own_database_url) as holder:
        holder.execute("CREATE TABLE events (held integer); SAVEPOINT held")
        waits: list[str] = []

        def let_go_after_two_waits(sentence: str) -> None:
            waits.append(sentence)
            if len(waits) == 2:
                holder.rollback()

        upgrade(own_database_url, on_wait=let_go_after_two_waits)
    assert [sentence.startswith("A table is in use by others: trying again") for sentence in waits] == [
        True,
        True,
    ]
    with closing(PostgresUnitOfWork(own_database_url, connections=1)) as unit_of_work:
        unit_of_work.check()


def test_a_migration_without_its_lock_names_the_holder_and_can_be_resumed(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(schema_upgrade, "LOCK_PAUSE_SECONDS", 0)
    monkeypatch.setattr(schema_upgrade, "LOCK_ATTEMPTS", 3)
    downgrade(own_database_url, "0004")
    with psycopg.connect(own_database_url) as holder:
        holder.execute("LOCK TABLE events IN ACCESS SHARE MODE")
        with pytest.raises(
            UnavailableError, match=rf"is of server process {holder.info.backend_pid}\); end them"
        ):
            upgrade(own_database_url)
    upgrade(own_database_url)


def test_no_statement_of_a_migration_times_out(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "upgrade", lambda config, _revision: settings_of(config, seen))
    seen: dict[str, str] = {}
    upgrade(own_database_url)
    assert seen == {
        "statement_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
        "lock_timeout": f"{migrations.LOCK_TIMEOUT_SECONDS:g}s",
    }


def settings_of(config: Config, seen: dict[str, str]) -> None:
    for name in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
        seen[name] = config.attributes["connection"].execute(text(f"SHOW {name}")).scalar_one()


def test_indexes_of_tables_that_exist_are_built_while_others_write(own_database_url: str) -> None:
    """A locking build would wait for one writer and block the next."""
    downgrade(own_database_url, "0020")
    with (
        psycopg.connect(own_database_url) as first,
        psycopg.connect(own_database_url) as second,
        ThreadPoolExecutor(1) as other,
    ):
        first.execute(INSERT_WORK)
        migration = other.submit(upgrade, own_database_url)
        until_it_waits_or_ends(own_database_url, migration)
        assert not migration.done(), "it waits for older transactions"
        second.execute("SET lock_timeout = '1s'")
        second.execute(INSERT_WORK)
        second.commit()
        first.commit()
        migration.result()
    assert "reactions_closed" in str(catalog.indexes(own_database_url))


INSERT_WORK: LiteralString = """
    INSERT INTO reactions (reaction_id, order_id, kind, arguments, first_due_at, due_at)
    VALUES (gen_random_uuid(), gen_random_uuid(), 'MoveImages', '{}', now(), now())"""


def test_an_interrupted_index_build_is_repeated(database_url: str, own_database_url: str) -> None:
    downgrade(own_database_url, "0020")
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        connection.execute(INSERT_WORK)
        connection.execute(INSERT_WORK)
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY reactions_closed ON reactions (kind)")
    upgrade(own_database_url)
    assert catalog.indexes(own_database_url) == catalog.indexes(database_url)
    with psycopg.connect(own_database_url) as connection:
        assert connection.execute("SELECT FROM pg_index WHERE NOT indisvalid").fetchall() == []


def test_later_migrations_build_indexes_of_tables_that_exist_concurrently() -> None:
    expand_first = [file for file in VERSIONS.glob("[0-9]*.py") if file.name[:4] >= "0016"]
    assert expand_first
    for file in expand_first:
        code = file.read_text()
        for table in re.findall(r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)\w+\s+ON (\w+)", code):
            assert f"CREATE TABLE {table}" in code, f"{file.name} locks {table} while it builds an index"


def test_a_schema_with_events_is_not_downgraded(own_database_url: str) -> None:
    with closing(PostgresUnitOfWork(own_database_url, connections=1)) as unit_of_work:
        take_order(unit_of_work, facts())
        with pytest.raises(UnavailableError, match="its log has 1 events, and an older schema would lose"):
            downgrade(own_database_url, "0003")
        unit_of_work.check()


def test_a_missing_schema_is_reported_with_how_to_create_it(empty_database_url: str) -> None:
    unit_of_work = PostgresUnitOfWork(empty_database_url, connections=1)
    with pytest.raises(UnavailableError, match=r"has no schema yet; run `restoreclick db upgrade`\.$"):
        unit_of_work.check()
    unit_of_work.close()


def test_a_missing_server_is_reported_with_the_setting_to_check() -> None:
    unit_of_work = PostgresUnitOfWork("postgresql://nobody@127.0.0.1:1/nowhere", connections=1)
    with pytest.raises(UnavailableError, match="check that it runs, and DATABASE_URL"):
        unit_of_work.check()
    unit_of_work.close()
