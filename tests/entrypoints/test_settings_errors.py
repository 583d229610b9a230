"""The error of settings that are missing."""

from pathlib import Path

import pytest

from entrypoints.settings_errors import SettingsError


def test_a_file_that_was_not_loaded_is_named_with_the_way_to_load_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ".env" not in str(SettingsError(["REDIS_URL is missing."]))
    (tmp_path / ".env").write_text("REDIS_URL=redis://localhost\n")
    assert "set -a; . ./.env; set +a" in str(SettingsError(["REDIS_URL is missing."]))
