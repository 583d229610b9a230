"""What is printed of backups and of the archived log."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.ports.backup_runs import BackupFacts
from entrypoints.cli.support.backup_printing import print_backups
from tests.domain.use_cases.monitoring.test_figures import BACKED_UP, NOW

ARCHIVED = replace(BACKED_UP, archives_log=True, newest_archived_at=NOW)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (ARCHIVED, ["The archived log has every event."]),
        (replace(ARCHIVED, waiting_files=12), ["Not archived yet: 12 files of the log."]),
        (
            replace(ARCHIVED, waiting_files=1, unarchived_since=NOW - timedelta(seconds=40)),
            ["Events of the last 40 s are not archived yet.", "Not archived yet: 1 file of the log."],
        ),
        (
            replace(ARCHIVED, archives_log=False),
            ["PostgreSQL archives no log: a restore loses everything since"],
        ),
    ],
)
def test_the_archived_log_is_complete_only_if_nothing_waits(
    capsys: pytest.CaptureFixture[str], facts: BackupFacts, expected: list[str]
) -> None:
    print_backups([], [], facts, now=NOW, as_json=False)
    lines = [line for line in capsys.readouterr().out.splitlines() if "archive" in line]
    assert len(lines) == len(expected)
    for line, beginning in zip(lines, expected, strict=True):
        assert line.startswith(beginning)
