"""The database's setting is read alike with and without the others."""

import pytest

from entrypoints.database_setting import read_database_url
from entrypoints.settings import Settings
from entrypoints.settings_errors import SettingsError

URL = "postgresql://shop:canary@localhost/shop"
DESCRIPTION = (
    "PostgreSQL 15 or later: postgresql://USER:PASSWORD@HOST/DATABASE; with ?pgbouncer=true for PgBouncer."
)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)


@pytest.mark.parametrize("name", ["DATABASE_URL", "database_url"])
def test_its_name_may_be_in_lower_case(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, URL)
    assert read_database_url() == URL


def test_without_it_a_command_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    with pytest.raises(SettingsError) as refusal:
        read_database_url()
    assert refusal.value.problems == [f"DATABASE_URL is missing: {DESCRIPTION}"]


def test_a_malformed_one_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop:canary/1@localhost/shop")
    with pytest.raises(SettingsError, match="DATABASE_URL is malformed") as refusal:
        read_database_url()
    assert "canary" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_both_ways_describe_it_alike() -> None:
    assert f"{Settings.model_fields['database_url'].description}." == DESCRIPTION


def test_the_url_of_a_pooler_says_true_or_false(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{URL}?pgbouncer=true")
    assert read_database_url() == f"{URL}?pgbouncer=true"
    monkeypatch.setenv("DATABASE_URL", f"{URL}?pgbouncer=yes")
    with pytest.raises(SettingsError, match="pgbouncer must be true or false"):
        read_database_url()
