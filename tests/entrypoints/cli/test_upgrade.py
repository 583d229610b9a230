"""Refusal at startup of an old server or another schema version."""

import psycopg
import pytest

from adapters.postgres import schema
from adapters.postgres.schema_upgrade import downgrade
from tests.entrypoints.cli.complete_settings import complete_settings
from tests.entrypoints.support.shell import Shell

each_start = pytest.mark.parametrize("command", [["db", "upgrade"], ["serve"], ["worker"]], ids=" ".join)


@pytest.fixture
def restoreclick(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """The command line of a shop whose providers nothing asks for."""
    environment = {"DATABASE_URL": own_database_url, **complete_settings()}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Shell(capsys)


@each_start
def test_a_server_that_is_too_old_is_refused_in_a_sentence(
    restoreclick: Shell, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "OLDEST_SERVER", 99)
    refused = restoreclick(*command)
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "and the shop needs 99 or later; upgrade the server, or point DATABASE_URL" in refused.err


@each_start
def test_a_schema_of_a_newer_program_is_refused_in_a_sentence(
    restoreclick: Shell, command: list[str], own_database_url: str
) -> None:
    with psycopg.connect(own_database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9042'")
        connection.execute("UPDATE schema_compatibility SET oldest_program = '9042'")
    refused = restoreclick(*command)
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "its schema is at 9042, newer than this program" in refused.err


@pytest.mark.parametrize("command", [["serve"], ["worker"]], ids=" ".join)
def test_a_schema_that_is_older_than_the_program_asks_for_an_upgrade(
    restoreclick: Shell, command: list[str], own_database_url: str
) -> None:
    downgrade(own_database_url, "0004")
    refused = restoreclick(*command)
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert "its schema is at 0004, older than this program, which needs" in refused.err
    assert "run `restoreclick db upgrade`" in refused.err
