"""Printing of the check before an upgrade."""

from collections.abc import Mapping

import click
import msgspec

from entrypoints.bootstrap.backups import RECORDS_BACKUPS
from entrypoints.bootstrap.upgrades import Obstacle, UpgradeCheck
from entrypoints.bootstrap.wording import counted, listed, size_text

_OBSTACLES: Mapping[Obstacle, str] = {
    Obstacle.SCHEMA_NEWER: "The schema is newer than this version knows: install the version that upgraded it, or a "
    "later one.",
    Obstacle.EVENTS_UNKNOWN: "The log has events that this version cannot read: install the version that recorded "
    "them, or a later one.",
    Obstacle.DISK_TOO_SMALL: "The database's disk has less space than its largest table, which a new index may need: "
    "make room first.",
    Obstacle.BACKUP_TOO_OLD: "No backup of the last 24 hours is on record: make one with `restoreclick backup`.",
    Obstacle.OLDER_PROCESSES: "A migration takes away what the running processes need: stop the API and the workers "
    "first.",
}

#: Instead of the sentence on old backups, for a schema that cannot record any.
_BACKUP_UNRECORDED = (
    f"A schema before {RECORDS_BACKUPS} records no backups, and its version has no `restoreclick backup`: make a copy "
    "with `pg_basebackup` or `pg_dump`, then migrate with `restoreclick db upgrade`, which does not ask for one."
)


def print_check(check: UpgradeCheck, *, as_json: bool) -> None:
    """Print the distance, the sizes and each obstacle with what to do."""
    if as_json:
        click.echo(msgspec.json.encode(_document(check)))
        return
    facts = check.facts
    if not facts.pending:
        click.echo(f"The schema is at {facts.revision}: it is the one of version {check.program_version}.")
    else:
        click.echo(
            f"The schema is at {facts.revision or 'nothing'}; {counted(len(facts.pending), 'migration')} to "
            f"{facts.pending[-1].revision} of version {check.program_version}:"
        )
        for migration in facts.pending:
            click.echo(f"  {migration.revision} {migration.title}")
    if check.free_bytes is not None:
        free = f"{size_text(check.free_bytes)} are free"
    elif facts.data_directory is None:
        free = (
            "how much is free is unknown, because this role may not see where the data is: `GRANT pg_read_all_settings`"
            " to it, or compare with `df` on the database's machine"
        )
    else:
        free = "how much is free is unknown on this machine: compare with `df` on the database's"
    click.echo(
        f"The database has {size_text(facts.database_bytes)}, its largest table "
        f"{size_text(facts.largest_table_bytes)}; {free}."
    )
    if facts.unknown_events:
        click.echo(f"Unknown events: {listed(facts.unknown_events)}.")
    for other, sessions in check.other_versions.items():
        name = f"version {other}" if other else "programs that name no version, such as the shop before 0.2.0"
        click.echo(f"{counted(sessions, 'session')} of {name}.")
    if facts.pending and check.is_rolling:
        click.echo("Running processes may go on: upgrade the schema, then restart them one by one.")
    for obstacle in check.obstacles:
        click.echo(_advice(obstacle, facts.revision))


def _advice(obstacle: Obstacle, revision: str | None) -> str:
    if obstacle is Obstacle.BACKUP_TOO_OLD and revision is not None and revision < RECORDS_BACKUPS:
        return _BACKUP_UNRECORDED
    return _OBSTACLES[obstacle]


def _document(check: UpgradeCheck) -> dict[str, object]:
    document = msgspec.to_builtins(check, enc_hook=str)
    return {**document, "is_rolling": check.is_rolling}
