"""The storage of photos and of backups; it needs no database."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from adapters.backups.data_directory import cluster_of
from adapters.backups.vault import StorageVault, WalArchive
from adapters.storage_minio.storage import MinioStorage
from domain.signed_tokens import TokenSigner
from entrypoints.backup_settings import BackupSettings
from entrypoints.command_errors import MisuseError


class NoDataDirectoryError(MisuseError):
    """The folder holds no PostgreSQL cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(
            f"{folder} is no data directory of PostgreSQL: have PostgreSQL run this as its archive_command or "
            "restore_command, or start it there."
        )


def storage_from(settings: BackupSettings, token_signer: TokenSigner) -> MinioStorage:
    """The storage of the photos."""
    return MinioStorage(
        endpoint_url=settings.s3_endpoint,
        access_key=settings.s3_access_key.get_secret_value(),
        secret_key=settings.s3_secret_key.get_secret_value(),
        bucket=settings.s3_bucket,
        region=settings.s3_region,
        token_signer=token_signer,
    )


def backup_storage_from(settings: BackupSettings) -> MinioStorage:
    """The bucket of the backups; raise NoBackupKeyError.

    Its objects are signed with the keys of the backups.
    """
    own_access, own_secret = settings.backup_s3_access_key, settings.backup_s3_secret_key
    return MinioStorage(
        endpoint_url=settings.backup_s3_endpoint or settings.s3_endpoint,
        access_key=(own_access or settings.s3_access_key).get_secret_value(),
        secret_key=(own_secret or settings.s3_secret_key).get_secret_value(),
        bucket=settings.backup_s3_bucket or settings.s3_bucket,
        region=settings.backup_s3_region or settings.s3_region,
        token_signer=TokenSigner(*settings.secrets_of_backups()),
    )


@contextmanager
def open_vault(settings: BackupSettings) -> Iterator[StorageVault]:
    """The kept backups; raise NoBackupKeyError."""
    with closing(backup_storage_from(settings)) as storage:
        yield StorageVault(storage, settings.secrets_of_backups())


@contextmanager
def open_wal_archive(settings: BackupSettings, data_directory: Path) -> Iterator[WalArchive]:
    """The archived log of the cluster in a folder.

    Raises NoBackupKeyError or NoDataDirectoryError.
    """
    try:
        cluster = cluster_of(data_directory)
    except OSError as error:
        raise NoDataDirectoryError(data_directory.resolve()) from error
    with closing(backup_storage_from(settings)) as storage:
        yield WalArchive(storage, settings.secrets_of_backups(), cluster)
