"""The wiring of backups, restores and drills."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial

from adapters.backups.log_shipping import WaitingLog
from adapters.backups.programs import PostgresPrograms
from adapters.backups.vault import StorageVault, WalArchive
from adapters.postgres.clock import DatabaseClock
from adapters.system import TimeOrderedIds
from domain.ports.backup_runs import BackupFacts
from domain.ports.clock import Clock
from domain.ports.provider_listings import ObjectListing
from domain.ports.unit_of_work import Database
from domain.signed_tokens import TokenSigner
from domain.use_cases.recovery.backups import Backups
from entrypoints.backup_settings import BackupSettings
from entrypoints.bootstrap.backup_storage import backup_storage_from, storage_from
from entrypoints.bootstrap.database import open_unit_of_work
from entrypoints.bootstrap.ports import Ports
from entrypoints.build_info import version
from entrypoints.settings import Settings

#: The first schema that records backups. One can be made of it before an upgrade.
RECORDS_BACKUPS = "0030"


def backups_from(
    settings: BackupSettings,
    database_url: str,
    vault: StorageVault,
    *,
    unit_of_work: Database,
    objects: ObjectListing,
    clock: Clock,
) -> Backups:
    """Wire backups from the settings and the ports that the caller has."""
    return Backups(
        unit_of_work=unit_of_work,
        source=PostgresPrograms(settings.backup_database_url or database_url, settings.postgresql_programs),
        vault=vault,
        objects=objects,
        clock=clock,
        ids=TimeOrderedIds(),
        program_version=version(),
        kept=settings.backup_keep,
    )


@contextmanager
def open_backups(settings: BackupSettings, database_url: str) -> Iterator[Backups]:
    """Backups of a database; raise NoBackupKeyError, or an error of ``open_unit_of_work``."""
    with ExitStack() as resources:
        vault = StorageVault(
            resources.enter_context(closing(backup_storage_from(settings))), settings.secrets_of_backups()
        )
        unit_of_work = resources.enter_context(open_unit_of_work(database_url, oldest_schema=RECORDS_BACKUPS))
        # Listing needs no signature; a backup may run where the shop's own keys are not.
        photos = storage_from(settings, TokenSigner(*settings.secrets_of_backups()))
        yield backups_from(
            settings,
            database_url,
            vault,
            unit_of_work=unit_of_work,
            objects=resources.enter_context(closing(photos)),
            clock=resources.enter_context(closing(DatabaseClock(database_url))),
        )


def read_facts(database_url: str) -> BackupFacts:
    """What the database knows of its backups; raises an error of ``open_unit_of_work``."""
    with (
        open_unit_of_work(database_url, oldest_schema=RECORDS_BACKUPS) as unit_of_work,
        unit_of_work.transaction() as transaction,
    ):
        return transaction.backup_runs.facts()


@contextmanager
def open_scheduled_backups(settings: Settings, ports: Ports) -> Iterator[Backups | None]:
    """Backups on a worker's ports; None without a key."""
    if settings.backup_key is None:
        yield None
        return
    with closing(backup_storage_from(settings)) as storage:
        yield backups_from(
            settings,
            settings.database_url,
            StorageVault(storage, settings.secrets_of_backups()),
            unit_of_work=ports.unit_of_work,
            objects=ports.object_listing,
            clock=ports.clock,
        )


@contextmanager
def open_log_shipping(settings: Settings, ports: Ports) -> Iterator[Callable[[], object] | None]:
    """A function that archives what is in BACKUP_WAL_DIRECTORY; None without one."""
    folder = settings.backup_wal_directory
    if settings.backup_key is None or folder is None:
        yield None
        return
    with ports.unit_of_work.transaction() as transaction:
        cluster = transaction.backup_runs.server().cluster
    with closing(backup_storage_from(settings)) as storage:
        # What it finds is in the figures of this process.
        waiting = ports.waiting_log if isinstance(ports.waiting_log, WaitingLog) else WaitingLog(folder)
        yield partial(waiting.ship, WalArchive(storage, settings.secrets_of_backups(), cluster))
