"""Refusal at startup of an old server or another schema version."""

import base64

import psycopg
import pytest
from cryptography.hazmat.primitives import serialization

from adapters.postgres import schema
from adapters.postgres.schema_upgrade import downgrade
from tests.entrypoints.support.http_fixtures import SENDGRID_KEY
from tests.entrypoints.support.shell import Shell

each_start = pytest.mark.parametrize("command", [["db", "upgrade"], ["serve"], ["worker"]], ids=" ".join)


@pytest.fixture
def restoreclick(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """The command line of a shop whose providers nothing asks for."""
    public_key = SENDGRID_KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    environment = {
        "DATABASE_URL": own_database_url,
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "S3_ENDPOINT": "http://127.0.0.1:9",
        "S3_ACCESS_KEY": "access-key",
        "S3_SECRET_KEY": "secret-key",
        "STRIPE_SECRET_KEY": "sk_test_shop",
        "STRIPE_WEBHOOK_SECRET": "whsec_shop",
        "REPLICATE_API_TOKEN": "r8_shop_of_the_test",
        "REPLICATE_WEBHOOK_SECRET": "whsec_dGhlIGRvb3J3YXk=",
        "SENDGRID_API_KEY": "SG.shop_of_the_test",
        "SENDGRID_WEBHOOK_PUBLIC_KEY": base64.b64encode(public_key).decode(),
        "SENDER_ADDRESS": "photos@shop.example",
        "WORKER_SECRET_KEY": "canary" * 8,
        "PUBLIC_URL": "https://shop.example",
    }
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
