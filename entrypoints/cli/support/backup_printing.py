"""Printing of backups and of the facts about them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
import msgspec

from domain.ports.backup_runs import BackupFacts
from domain.ports.backups import BackupManifest
from entrypoints.bootstrap.wording import counted, duration_text, size_text


def print_backup(manifest: BackupManifest, *, as_json: bool) -> None:
    """Print one backup that was made."""
    if as_json:
        click.echo(msgspec.json.encode(_document(manifest)))
        return
    click.echo(
        f"Backup {manifest.backup_id}: {size_text(manifest.size_bytes)} in "
        f"{duration_text(manifest.ended_at - manifest.began_at)}; "
        f"{counted(manifest.objects.count, 'stored object')} belong to it."
    )


def print_backups(
    manifests: Sequence[BackupManifest],
    unopened: Sequence[str],
    facts: BackupFacts,
    *,
    now: datetime,
    as_json: bool,
) -> None:
    """Print all backups and the facts that metrics show, too.

    ``unopened`` are the backups in the bucket that BACKUP_KEY does not open.
    """
    if as_json:
        document = {
            "backups": [_document(each) for each in manifests],
            "unopened": unopened,
            "facts": facts,
        }
        click.echo(msgspec.json.encode(document))
        return
    print_bucket(manifests, unopened, as_json=False)
    _print_newest(manifests, unopened, facts, now)
    if facts.newest_failure_at is not None and (
        facts.newest_backup_at is None or facts.newest_failure_at > facts.newest_backup_at
    ):
        ago = duration_text(now - facts.newest_failure_at)
        click.echo(f"The newest attempt failed {ago} ago: {facts.newest_failure}")
    _print_archive(facts, now)
    if facts.newest_drill_at is None and facts.newest_untried_at is None:
        click.echo("No restore was ever tried: `restoreclick restore --drill` tries one.")
    if facts.newest_drill_at is not None:
        outcome = f"failed ({facts.newest_drill_problem})" if facts.newest_drill_problem else "succeeded"
        click.echo(f"The last drill {outcome} {duration_text(now - facts.newest_drill_at)} ago.")
    if facts.newest_untried_at is not None and (
        facts.newest_drill_at is None or facts.newest_untried_at > facts.newest_drill_at
    ):
        ago = duration_text(now - facts.newest_untried_at)
        click.echo(f"A drill {ago} ago could not be tried ({facts.newest_untried_problem})")


def print_bucket(manifests: Sequence[BackupManifest], unopened: Sequence[str], *, as_json: bool) -> None:
    """Print what the bucket has, which is known without the database."""
    if as_json:
        document = {"backups": [_document(each) for each in manifests], "unopened": unopened, "facts": None}
        click.echo(msgspec.json.encode(document))
        return
    for manifest in manifests:
        print_backup(manifest, as_json=False)
    for backup_id in unopened:
        click.echo(f"Backup {backup_id}: another BACKUP_KEY made it, this one does not open it.")


def print_restored(
    manifest: BackupManifest, directory: Path | None, until: datetime | None, *, as_json: bool
) -> None:
    """Print what was restored, and what to do next."""
    if as_json:
        click.echo(msgspec.json.encode(_document(manifest)))
        return
    click.echo(
        f"Backup {manifest.backup_id} is restored, made by version {manifest.program_version}, "
        f"schema {manifest.server.schema_revision}."
    )
    if directory is not None:
        end = f"up to {until:%Y-%m-%d %H:%M:%S} (UTC)" if until else "to its end"
        click.echo(
            f"Start PostgreSQL {manifest.server.version.split('.')[0]} on {directory}: it replays the archived log "
            f"{end}. Its owner must own the files."
        )
    click.echo(
        "Then run `restoreclick db restored --even-if-current`, which rebuilds what is missing since, and start the"
        " shop."
    )


def _print_newest(
    manifests: Sequence[BackupManifest], unopened: Sequence[str], facts: BackupFacts, now: datetime
) -> None:
    """Print the age of the newest backup that can be restored."""
    if manifests:
        newest = manifests[-1]
        click.echo(
            f"The newest backup is {duration_text(now - newest.began_at)} old ({size_text(newest.size_bytes)})."
        )
    elif unopened:
        click.echo(
            "BACKUP_KEY opens no backup: set the key that they were made with, as BACKUP_PREVIOUS_KEY if it was "
            "changed, or make one: `restoreclick backup`."
        )
    elif facts.newest_backup_at is None:
        click.echo("There is no backup yet: `restoreclick backup` makes one.")
    is_listed = bool(manifests) and facts.newest_backup_at == manifests[-1].began_at
    if facts.newest_backup_at is not None and not is_listed and not unopened:
        click.echo(
            f"The backup of {facts.newest_backup_at:%Y-%m-%d %H:%M:%S} (UTC) is not in the bucket any more: is "
            "BACKUP_S3_BUCKET the one it was made in?"
        )


def _print_archive(facts: BackupFacts, now: datetime) -> None:
    if not facts.archives_log:
        click.echo("PostgreSQL archives no log: a restore loses everything since the newest backup.")
    elif facts.newest_archived_at is None:
        click.echo("PostgreSQL has archived no file of its log yet.")
    elif facts.unarchived_since is None and not facts.waiting_files:
        click.echo("The archived log has every event.")
    if facts.unarchived_since is not None and facts.newest_archived_at is not None:
        click.echo(f"Events of the last {duration_text(now - facts.unarchived_since)} are not archived yet.")
    if facts.waiting_files:
        click.echo(f"Not archived yet: {counted(facts.waiting_files, 'file')} of the log.")


def _document(manifest: BackupManifest) -> dict[str, object]:
    """The manifest with counts instead of its parts, which may be many."""
    document = msgspec.to_builtins(manifest)
    document |= {"size_bytes": manifest.size_bytes, "parts": len(manifest.parts)}
    document["objects"] = {"count": manifest.objects.count, "size_bytes": manifest.objects.size_bytes}
    return dict(document)
