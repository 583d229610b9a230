"""Restores into a data directory, a database, or a scratch server."""

import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from adapters.backups import scratch_server
from adapters.backups.data_directory import PERMISSIONS, RECOVERY_SIGNAL, fetch_log, prepare_recovery, unpack
from adapters.backups.programs import PostgresPrograms
from adapters.backups.timelines import timeline_after
from adapters.backups.vault import StorageVault
from adapters.postgres.clock import DatabaseClock
from adapters.postgres.restored_dump import renew_transaction_ids, require_empty
from adapters.postgres.schema_upgrade import upgrade
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from adapters.storage_minio.storage import MinioStorage
from domain.order.reactions import Reaction
from domain.ports.backups import (
    BackupFailedError,
    BackupKind,
    BackupManifest,
    UndecryptableError,
    UnusableBackupError,
)
from domain.ports.errors import ObjectDiffersError, ObjectMissingError
from domain.ports.reaction_queue import ReactionQueue
from domain.ports.unit_of_work import Database
from domain.signed_tokens import TokenSigner
from domain.use_cases.reconciliation.comparison import Comparison
from domain.use_cases.reconciliation.event_log import EventLogComparison
from domain.use_cases.reconciliation.object_storage import ObjectStorageComparison
from domain.use_cases.recovery.log_heads import LogHead, LogHeads
from domain.use_cases.recovery.restore_drill import DrillReport, Drills, RestoreDrill
from entrypoints.backup_settings import BackupSettings
from entrypoints.bootstrap.adapters import token_signer_from
from entrypoints.bootstrap.backup_storage import open_vault, open_wal_archive, storage_from
from entrypoints.bootstrap.database import open_unit_of_work
from entrypoints.command_errors import CommandFailedError, MisuseError
from entrypoints.exit_codes import ExitCode
from entrypoints.settings import Settings

#: How long a restored server may replay its log before a drill gives up.
RECOVERY_SECONDS = 3600.0

#: The programs that read a backup, and what they say if that is not why they failed: the storage did not give a file of
#: the log (unless it could not be decrypted), or the machine lacks something.
_READERS = frozenset({"postgres", "pg_restore"})
_PASSING = re.compile(
    r"could not be fetched: (?!.*cannot be decrypted)|No space left on device|Cannot allocate memory"
    r"|it is not (?:in|on) |incompatible with server"
)

SCRATCH_DATABASE = "restored"


class NoSuchBackupError(CommandFailedError):
    """The bucket has no backup that fits."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        super().__init__(
            f"The bucket has no {wanted} that BACKUP_KEY opens: `restoreclick backup list` shows those there are."
        )


class FolderTakenError(MisuseError):
    """A restore never overwrites anything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"{folder} is not empty: move away what is in it, or name another folder.")


class WrongUserError(MisuseError):
    """PostgreSQL refuses to run as root."""

    def __init__(self) -> None:
        super().__init__("PostgreSQL does not run as root: start this as another user, such as postgres.")


def chosen(
    manifests: Sequence[BackupManifest],
    *,
    backup_id: str | None = None,
    at: datetime | None = None,
    kind: BackupKind | None = None,
) -> BackupManifest:
    """The newest backup that fits; raise NoSuchBackupError."""
    fitting = [
        each
        for each in manifests
        if (backup_id is None or each.backup_id == backup_id)
        and (at is None or each.ended_at <= at)
        and (kind is None or each.kind is kind)
    ]
    if not fitting:
        wanted = backup_id or f"{kind or ''} backup{f' from before {at.isoformat()}' if at else ''}".strip()
        raise NoSuchBackupError(wanted)
    return fitting[-1]


def restore_cluster(
    settings: BackupSettings,
    folder: Path,
    *,
    backup_id: str | None,
    at: datetime | None,
    env_file: Path | None,
    with_log: bool = False,
) -> BackupManifest:
    """Restore a physical backup into an empty folder.

    When PostgreSQL is started there, it replays the archived log, to a moment or to its end. It fetches the log itself,
    unless it comes ``with_log``, for a PostgreSQL that cannot run this program. Raises NoSuchBackupError or
    FolderTakenError.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FolderTakenError(folder)
    with open_vault(settings) as vault:
        manifest = chosen(vault.manifests(), backup_id=backup_id, at=at, kind=BackupKind.PHYSICAL)
        folder.mkdir(mode=PERMISSIONS, parents=True, exist_ok=True)
        # If this is cut off, PostgreSQL does not start there; it would accept writes at the backup's end.
        (folder / RECOVERY_SIGNAL).touch()
        unpack(vault.read(manifest.parts), folder)
    restore_command = fetching(env_file)
    with open_wal_archive(settings, folder) as archive:
        timeline = timeline_after(archive, manifest.server.log_file)
        if with_log:
            restore_command = fetch_log(archive, manifest.server.log_file, folder)
    prepare_recovery(folder, restore_command, timeline, at)
    return manifest


def restore_dump(
    settings: BackupSettings, database_url: str, *, backup_id: str | None, at: datetime | None
) -> BackupManifest:
    """Restore a logical backup into an empty database.

    Raises NoSuchBackupError, DatabaseNotEmptyError or BackupFailedError.
    """
    require_empty(database_url)
    with open_vault(settings) as vault:
        manifest = chosen(vault.manifests(), backup_id=backup_id, at=at, kind=BackupKind.LOGICAL)
        _load(vault, manifest, settings, database_url)
    return manifest


def fetching(env_file: Path | None) -> str:
    """The restore_command: this program, with the same settings.

    PostgreSQL takes any status up to 125 for the end of the log, that of a program which cannot start as well; so only
    the status for a missing file is passed on as one.
    """
    words = [sys.executable, "-m", "entrypoints.cli", "backup"]
    if env_file is not None:
        words += ["--env-file", str(env_file.resolve())]
    command = shlex.join(words).replace("%", "%%") + " wal fetch %f %p"
    return f"{command}; case $? in 0) exit 0;; {ExitCode.LOG_ENDS:d}) exit 1;; *) exit 255;; esac"


@contextmanager
def judging(backup_id: str) -> Iterator[None]:
    """Raise UnusableBackupError for what is the backup's own defect.

    Other errors are of the machine, the storage or the settings, and say nothing about it.
    """
    try:
        yield
    except (UndecryptableError, ObjectMissingError, ObjectDiffersError) as error:
        raise UnusableBackupError(backup_id, str(error)) from error
    except BackupFailedError as error:
        if error.program in _READERS and not _PASSING.search(error.detail):
            raise UnusableBackupError(backup_id, str(error)) from error
        raise


class Drill:
    """Restores a backup into a scratch folder, and checks it."""

    def __init__(self, settings: Settings, *, env_file: Path | None) -> None:
        self._settings = settings
        self._env_file = env_file

    def run(self, folder: Path, backup_id: str | None = None) -> DrillReport:
        """Run the drill in an empty folder, and record how it ended.

        Raises NoSuchBackupError or OutsideError; a restore that failed is recorded before.
        """
        report = self._began(None, folder, backup_id)
        assert report is not None  # noqa: S101 -- without an interval it is always due
        return report

    def run_if_due(self, folder: Path, interval: timedelta) -> DrillReport | None:
        """Run the drill once per interval, with the newest backup."""
        return self._began(interval, folder, None)

    def _began(self, interval: timedelta | None, folder: Path, backup_id: str | None) -> DrillReport | None:
        if os.geteuid() == 0:
            raise WrongUserError
        database_url = self._settings.database_url
        with (
            open_unit_of_work(database_url) as unit_of_work,
            closing(DatabaseClock(database_url)) as clock,
        ):
            runs = Drills(unit_of_work=unit_of_work, clock=clock)
            return runs.run(lambda: self._report(folder, backup_id), interval)

    def _report(self, folder: Path, backup_id: str | None) -> DrillReport:
        with ExitStack() as resources:
            vault = resources.enter_context(open_vault(self._settings))
            signer = token_signer_from(self._settings)
            storage = resources.enter_context(closing(storage_from(self._settings, signer)))
            manifest = chosen(vault.manifests(), backup_id=backup_id)
            head = _newest_head(self._settings, storage, signer)
            resources.enter_context(judging(manifest.backup_id))
            database_url = resources.enter_context(self._restored(vault, manifest, folder))
            return _checked(database_url, manifest, head, storage)

    @contextmanager
    def _restored(self, vault: StorageVault, manifest: BackupManifest, folder: Path) -> Iterator[str]:
        """The address of the restored database on a scratch server."""
        programs, role = self._settings.postgresql_programs, manifest.server.role
        cluster = folder / "data"
        cluster.mkdir(mode=PERMISSIONS)
        if manifest.kind is BackupKind.PHYSICAL:
            unpack(vault.read(manifest.parts), cluster)
            with open_wal_archive(self._settings, cluster) as archive:
                timeline = timeline_after(archive, manifest.server.log_file)
            prepare_recovery(cluster, fetching(self._env_file), timeline, None)
        else:
            scratch_server.initialise(cluster, programs, role)
        with scratch_server.running(cluster, programs, RECOVERY_SECONDS) as sockets:
            if manifest.kind is BackupKind.PHYSICAL:
                yield scratch_server.address_of(sockets, role, manifest.server.database)
                return
            scratch_server.create_database(sockets, programs, role, SCRATCH_DATABASE)
            database_url = scratch_server.address_of(sockets, role, SCRATCH_DATABASE)
            _load(vault, manifest, self._settings, database_url)
            yield database_url


def _load(vault: StorageVault, manifest: BackupManifest, settings: BackupSettings, database_url: str) -> None:
    PostgresPrograms(database_url, settings.postgresql_programs).load(vault.read(manifest.parts))
    renew_transaction_ids(database_url)


def _newest_head(settings: Settings, storage: MinioStorage, signer: TokenSigner) -> LogHead | None:
    with (
        closing(PostgresUnitOfWork(settings.database_url, connections=1)) as unit_of_work,
        closing(DatabaseClock(settings.database_url)) as clock,
    ):
        return LogHeads(unit_of_work=unit_of_work, storage=storage, token_signer=signer, clock=clock).newest()


def _checked(
    database_url: str, manifest: BackupManifest, head: LogHead | None, storage: MinioStorage
) -> DrillReport:
    def comparisons(database: Database) -> Sequence[Comparison]:
        return (
            EventLogComparison(unit_of_work=database, queue=_NoQueue()),
            ObjectStorageComparison(unit_of_work=database, ledger=storage, storage=storage),
        )

    upgrade(database_url)  # the backup may be from before the newest migration
    with open_unit_of_work(database_url) as database:
        return RestoreDrill(comparisons_of=comparisons).check(database, manifest, head)


class _NoQueue(ReactionQueue):
    """Sends nothing: a scratch database has no workers."""

    def send(self, reactions: Iterable[tuple[UUID, Reaction]]) -> None:
        """Ignore the reactions."""
