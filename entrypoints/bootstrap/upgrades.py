"""The check before an upgrade: what could go wrong."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from adapters.postgres.clock import DatabaseClock
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from adapters.postgres.upgrade_facts import SESSION_PREFIX, UpgradeFacts, read_upgrade_facts
from entrypoints.bootstrap.backups import RECORDS_BACKUPS
from entrypoints.bootstrap.database import connection_problems_explained
from entrypoints.build_info import version

#: A backup older than this is not one "before the upgrade".
BACKUP_AGE = timedelta(hours=24)


class Obstacle(StrEnum):
    """Why an upgrade should not begin yet."""

    SCHEMA_NEWER = "schema_newer"
    EVENTS_UNKNOWN = "events_unknown"
    DISK_TOO_SMALL = "disk_too_small"
    BACKUP_TOO_OLD = "backup_too_old"
    OLDER_PROCESSES = "older_processes"  # only if a migration ends them


@dataclass(frozen=True, kw_only=True)
class UpgradeCheck:
    """The facts, and what follows from them."""

    program_version: str
    facts: UpgradeFacts
    free_bytes: int | None  # on the database's disk; None if it is not on this machine
    newest_backup_at: datetime | None
    other_versions: Mapping[str, int]  # running processes' sessions, by version ("" without one)
    obstacles: tuple[Obstacle, ...]

    @property
    def is_rolling(self) -> bool:
        """Whether the running processes may go on during the upgrade."""
        return not any(migration.ends_older_programs for migration in self.facts.pending)


def check_upgrade(database_url: str) -> UpgradeCheck:
    """Check the database for this program's schema.

    Raises NoDatabaseError or UnavailableError.
    """
    with connection_problems_explained(database_url):
        facts = read_upgrade_facts(database_url)
        newest_backup_at, now = _newest_backup(database_url, facts)
    others = _other_versions(facts.sessions)
    check = UpgradeCheck(
        program_version=version(),
        facts=facts,
        free_bytes=_free_bytes(facts),
        newest_backup_at=newest_backup_at,
        other_versions=others,
        obstacles=(),
    )
    return replace(check, obstacles=tuple(_obstacles(check, now)))


def _obstacles(check: UpgradeCheck, now: datetime) -> Iterator[Obstacle]:
    facts = check.facts
    if facts.is_newer:
        yield Obstacle.SCHEMA_NEWER
    if facts.unknown_events:
        yield Obstacle.EVENTS_UNKNOWN
    if not facts.pending:
        return
    # An index of a table needs at most the space of the table; nothing rewrites more than one at a time.
    if check.free_bytes is not None and check.free_bytes < facts.largest_table_bytes:
        yield Obstacle.DISK_TOO_SMALL
    if facts.revision is not None and (
        check.newest_backup_at is None or now - check.newest_backup_at > BACKUP_AGE
    ):
        yield Obstacle.BACKUP_TOO_OLD
    if check.other_versions and not check.is_rolling:
        yield Obstacle.OLDER_PROCESSES


def _free_bytes(facts: UpgradeFacts) -> int | None:
    if facts.data_directory is None or not facts.data_directory.exists():
        return None
    return shutil.disk_usage(facts.data_directory).free


def _newest_backup(database_url: str, facts: UpgradeFacts) -> tuple[datetime | None, datetime]:
    with closing(DatabaseClock(database_url)) as clock:
        now = clock.now()
    if facts.revision is None or facts.revision < RECORDS_BACKUPS:
        return None, now
    with (
        closing(PostgresUnitOfWork(database_url, connections=1)) as unit_of_work,
        unit_of_work.transaction() as transaction,
    ):
        return transaction.backup_runs.facts().newest_backup_at, now


def _other_versions(sessions: Mapping[str, int]) -> dict[str, int]:
    """The sessions of other versions; those of this one are left out."""
    found: dict[str, int] = {}
    for name, count in sessions.items():
        if not name.startswith(SESSION_PREFIX):
            found[""] = found.get("", 0) + count
            continue
        other = name.removeprefix(SESSION_PREFIX).partition(" ")[0]
        if other != version():
            found[other] = found.get(other, 0) + count
    return found
