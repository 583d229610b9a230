"""The settings of staging and production: complete, valid, without secrets."""

import re
from pathlib import Path
from typing import Any

import pytest

from entrypoints.settings import Settings, read_settings
from tests.entrypoints.test_settings import COMPLETE

FOLDER = Path(__file__).parents[2] / "deploy/settings"
each_file = pytest.mark.parametrize("name", ["production", "staging"])


def pairs(name: str) -> dict[str, str]:
    """Return a file's settings as written."""
    lines = (FOLDER / f"{name}.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


#: What an operator writes where neither a default nor a test setting is.
FILLED_IN = {"OWNER_EMAIL": "owner@photos.example", "METRICS_PORT": "9101"}


@each_file
@pytest.mark.parametrize("key", ["OWNER_EMAIL", "METRICS_PORT", "BACKUP_DRILL_INTERVAL_HOURS"])
def test_what_watches_a_shop_is_named_with_a_comment(name: str, key: str) -> None:
    lines = (FOLDER / f"{name}.env").read_text().splitlines()
    (at,) = (number for number, line in enumerate(lines) if line.startswith(f"{key}="))
    assert lines[at - 1].startswith("# ")


@each_file
def test_every_required_setting_is_named_and_every_name_is_a_setting(name: str) -> None:
    known = {field.upper() for field in Settings.model_fields}
    required = {field.upper() for field, info in Settings.model_fields.items() if info.is_required()}
    assert required <= pairs(name).keys() <= known


@each_file
def test_no_secret_is_written_into_the_file(name: str) -> None:
    secret = {
        key: value for key, value in pairs(name).items() if re.search("KEY|SECRET|TOKEN|DATABASE_URL", key)
    }
    assert len(secret) >= 10
    assert set(secret.values()) == {""}


@each_file
def test_once_filled_in_the_file_is_accepted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)
    for key, value in pairs(name).items():
        stand_in = "https://elsewhere.example" if key.endswith("_ENDPOINT") else "x" * 40
        monkeypatch.setenv(key, value or {**COMPLETE, **FILLED_IN}.get(key, stand_in))
    settings: Any = read_settings()
    assert settings.public_url.startswith("https://")
    assert settings.storage_limit_gibibytes
    assert settings.backup_drill_interval_hours
    assert (settings.owner_email, settings.metrics_port) == ("owner@photos.example", 9101)


def test_staging_shares_no_name_with_production() -> None:
    production, staging = pairs("production"), pairs("staging")
    for key in ("PUBLIC_URL", "SENDER_ADDRESS", "SENDER_NAME"):
        assert production[key] != staging[key]
    assert staging["S3_BUCKET"] != Settings.model_fields["s3_bucket"].default
