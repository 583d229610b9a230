"""The data directory of a restored cluster."""

from datetime import UTC, datetime
from pathlib import Path

from adapters.backups.data_directory import FETCHED_LOG, prepare_recovery


def last_values(folder: Path) -> dict[str, str]:
    """What PostgreSQL takes of its file: the last value of each setting."""
    lines = (folder / "postgresql.auto.conf").read_text().splitlines()
    return dict(line.split(" = ") for line in lines if not line.startswith("#"))


def test_a_restore_to_the_end_undoes_the_target_of_an_earlier_restore(tmp_path: Path) -> None:
    (tmp_path / FETCHED_LOG).mkdir()
    prepare_recovery(tmp_path, "cp x y", 1, datetime(2026, 11, 30, 14, 5, tzinfo=UTC))
    (tmp_path / FETCHED_LOG).rmdir()
    prepare_recovery(tmp_path, "cp x y", 2, None)
    values = last_values(tmp_path)
    assert values["recovery_target_time"] == "''"
    assert values["recovery_end_command"] == "''"
    assert values["recovery_target_timeline"] == "'2'"


def test_a_log_that_was_fetched_beforehand_is_left_out_of_base_backups(tmp_path: Path) -> None:
    assert FETCHED_LOG.startswith("pgsql_tmp")  # PostgreSQL's name for what its base backups leave out
    (tmp_path / FETCHED_LOG).mkdir()
    prepare_recovery(tmp_path, "cp x y", 1, None)
    assert last_values(tmp_path)["recovery_end_command"] == f"'rm -r \"{FETCHED_LOG}\"'"
