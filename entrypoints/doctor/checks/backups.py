"""Backups: the key, the bucket, PostgreSQL's programs, and the archived log."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from domain.ports.backups import BackupFailedError
from domain.ports.errors import UnavailableError
from entrypoints.bootstrap.diagnosis import Diagnosis, StorageBucket
from entrypoints.doctor.findings import Check, Finding, Fix, error, warning

SUBJECT = "backups"

#: A restore loses what is younger than the newest archived file; docs/backup.md promises a minute.
ARCHIVED_WITHIN_SECONDS = 60


def checks(diagnosis: Diagnosis) -> list[Check]:
    """The checks of backups; without a key only that it is missing."""
    settings = diagnosis.settings
    if settings.backup_key is None:
        return [Check(subject=SUBJECT, look=lambda: _off(diagnosis))]
    found = [
        Check(subject=SUBJECT, look=lambda: _bucket(diagnosis)),
        Check(subject=SUBJECT, look=lambda: _programs(diagnosis), needs=["database"]),
    ]
    if settings.backup_kind == "physical":
        found.append(Check(subject=SUBJECT, look=lambda: _cluster(diagnosis), needs=["database"]))
    if (folder := settings.backup_wal_directory) is not None:
        found.append(Check(subject=SUBJECT, look=lambda: _shipping(folder)))
    return found


def _off(diagnosis: Diagnosis) -> Iterator[Finding]:
    if diagnosis.settings.sandbox_mailbox_url is None:  # what is not real needs no backup
        yield warning(
            "backups_off",
            "No backups are made, so a lost disk loses every order: set BACKUP_KEY to what `openssl rand -hex 32`"
            " prints, keep a copy of it elsewhere, and follow docs/backup.md.",
        )


def _bucket(diagnosis: Diagnosis) -> Iterator[Finding]:
    settings, bucket = diagnosis.settings, diagnosis.backup_bucket
    if bucket is None:
        return
    if settings.backup_s3_bucket is None and settings.backup_s3_endpoint is None:
        # It is that of the photos, which has a check of its own.
        with suppress(UnavailableError):
            if bucket.exists():
                yield from _key(diagnosis)
        return
    name = settings.backup_s3_bucket or settings.s3_bucket
    if not bucket.exists():
        yield error(
            "backup_bucket_missing",
            f"There is no bucket {name} for the backups: create it, correct BACKUP_S3_BUCKET, or run `restoreclick"
            " doctor --fix`.",
            Fix(
                plan=f"create the bucket {name} for the backups",
                done=f"Created the bucket {name}.",
                do=lambda: _create(bucket),
            ),
        )
        return
    yield from _key(diagnosis)
    facts = bucket.describe()
    if not facts.keeps_first_write:
        yield error(
            "backup_storage_overwrites",
            "The storage of the backups ignores If-None-Match, so an archived file could be replaced: use a server that"
            " keeps the first write, such as SeaweedFS.",
        )
    if facts.is_public:
        yield error(
            "backup_bucket_public",
            f"Anyone can read the bucket {name} of the backups: remove its policy, and any anonymous access.",
        )
    for rule in facts.deletes:
        yield warning(
            "lifecycle_deletes_backups",
            f"The lifecycle rule {rule.rule_id} deletes backups under {rule.prefix or 'every prefix'}: remove it, and"
            " set BACKUP_KEEP.",
        )


def _key(diagnosis: Diagnosis) -> Iterator[Finding]:
    """Whether BACKUP_KEY is the one that the newest backup was made with."""
    if (backup_id := diagnosis.unopened_backup()) is not None:
        yield error(
            "backup_key_differs",
            f"BACKUP_KEY does not open the newest backup, {backup_id}: set the key that it was made with, or, if you"
            " changed the key, that one as BACKUP_PREVIOUS_KEY, and make a new backup with `restoreclick backup`.",
        )


def _shipping(folder: Path) -> Iterator[Finding]:
    """Whether workers can archive what PostgreSQL leaves in a folder."""
    if not folder.is_dir():
        yield error(
            "backup_wal_directory_missing",
            f"There is no folder {folder}, so the workers archive no file of PostgreSQL's log: correct"
            " BACKUP_WAL_DIRECTORY, or mount the folder that archive_command writes to.",
        )
    elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield error(
            "backup_wal_directory_locked",
            f"The folder {folder} of BACKUP_WAL_DIRECTORY cannot be read or cleared by this user: give it to the user"
            " of the workers.",
        )


def _create(bucket: StorageBucket) -> dict[str, str]:
    bucket.create()
    return {}


def _programs(diagnosis: Diagnosis) -> Iterator[Finding]:
    settings = diagnosis.settings
    names = ["pg_basebackup" if settings.backup_kind == "physical" else "pg_dump"]
    if settings.backup_drill_interval_hours:
        names += ["postgres", "initdb", "pg_isready", "createdb"]
    server = diagnosis.server_facts().major_version
    for name in names:
        try:
            found = diagnosis.program_major_version(name)
        except BackupFailedError as problem:
            yield error("backup_program_missing", f"{problem}.")
            continue
        if found != server:
            yield error(
                "backup_program_version",
                f"{name} is of PostgreSQL {found} and the server is {server}: install the programs of {server}, and"
                " name their folder in POSTGRESQL_PROGRAMS.",
            )


def _cluster(diagnosis: Diagnosis) -> Iterator[Finding]:
    """What a physical backup and the archived log need of the server."""
    facts = diagnosis.archiving_facts()
    if not facts.may_replicate:
        yield error(
            "backup_role_without_replication",
            f"The role {facts.role} may not make physical backups: run `ALTER ROLE {facts.role} REPLICATION` as a"
            " superuser, or set BACKUP_KIND=logical.",
        )
    elif not facts.accepts_replication:
        yield error(
            "backup_connection_refused",
            f"PostgreSQL refuses connections for replication as {facts.role}: add the line `host replication"
            f" {facts.role} samenet scram-sha-256` to pg_hba.conf and reload it; with PgBouncer, name PostgreSQL itself"
            " in BACKUP_DATABASE_URL.",
        )
    if not facts.archives:
        yield warning(
            "log_not_archived",
            "PostgreSQL does not archive its log, so a restore loses everything since the newest backup: set"
            " archive_mode and archive_command as docs/backup.md says.",
        )
        return
    if not 0 < facts.archive_timeout_seconds <= ARCHIVED_WITHIN_SECONDS:
        yield warning(
            "log_archived_late",
            f"PostgreSQL's archive_timeout is {facts.archive_timeout_seconds} s, so a restore may lose more than the"
            " last minute: set it to 30s.",
        )
    if not facts.sees_files:
        yield warning(
            "log_files_not_visible",
            f"The role {facts.role} may not see which files of PostgreSQL's log wait to be archived, so their age is an"
            f" upper bound: run `GRANT pg_monitor TO {facts.role}` as a superuser.",
        )
    # The check of the bucket reports it if it does not answer.
    with suppress(UnavailableError):
        if (name := diagnosis.unopened_log_file(facts.cluster)) is not None:
            yield error(
                "backup_log_key_differs",
                f"BACKUP_KEY does not open {name}, the newest archived file of PostgreSQL's log: give archive_command"
                " the same BACKUP_KEY as the shop, restart it, and make a new backup with `restoreclick backup`.",
            )
    if facts.is_failing:
        yield error(
            "log_archiving_fails",
            "PostgreSQL's archive_command fails, so a restore loses what is younger and the disk fills up: read"
            " PostgreSQL's log, and correct the command.",
        )
