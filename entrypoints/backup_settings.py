"""The settings of the storage and of backups.

Where PostgreSQL runs, commands that archive and fetch its log need these settings alone.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from entrypoints.command_errors import MisuseError
from entrypoints.settings_errors import SettingsError
from entrypoints.settings_problems import problems
from entrypoints.settings_types import Address, Count, DatabaseUrl, Hours, LongSecret, Secret


class NoBackupKeyError(MisuseError):
    """There is no key that backups could be encrypted with."""

    def __init__(self) -> None:
        super().__init__(
            "BACKUP_KEY is missing: set it to 32 secret characters or more, and keep a copy away from this machine, "
            "because no backup can be read without it."
        )


class UnreadableSettingsError(MisuseError):
    """The file of settings cannot be read."""

    def __init__(self, file: Path | None, reason: str) -> None:
        self.file = file
        self.reason = reason
        super().__init__(f"The settings in {file} cannot be read ({reason}): let this user read the file.")


class BackupSettings(BaseSettings):
    """Where photos and backups are stored."""

    model_config = SettingsConfigDict(
        extra="ignore", env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    s3_endpoint: Address = Field(description="the S3 server that keeps the photos")
    s3_access_key: Secret = Field(description="the S3 server's access key")
    s3_secret_key: Secret = Field(description="the S3 server's secret key")
    s3_bucket: str = Field("restoreclick", description="the bucket; it must exist")
    s3_region: str = Field("us-east-1", description="the bucket's region")

    backup_key: LongSecret | None = Field(
        None,
        description="encrypts backups of the database, which cannot be read without it; 32 secret characters or more",
    )
    backup_previous_key: LongSecret | None = Field(
        None, description="the BACKUP_KEY before this one, as long as backups made with it are kept"
    )
    backup_s3_endpoint: Address | None = Field(
        None, description="the S3 server that keeps the backups, better another one; S3_ENDPOINT if left out"
    )
    backup_s3_access_key: Secret | None = Field(None, description="its access key; S3_ACCESS_KEY if left out")
    backup_s3_secret_key: Secret | None = Field(None, description="its secret key; S3_SECRET_KEY if left out")
    backup_s3_bucket: str | None = Field(
        None, description="the bucket of the backups, better one of their own; S3_BUCKET if left out"
    )
    backup_s3_region: str | None = Field(None, description="that bucket's region; S3_REGION if left out")
    backup_kind: Literal["physical", "logical"] = Field(
        "physical",
        description="physical copies the cluster, which its archived log continues; logical is a dump of the database",
    )
    backup_wal_directory: Path | None = Field(
        None,
        description="a folder into which PostgreSQL's archive_command copies its log, for the workers to archive",
    )
    backup_database_url: DatabaseUrl | None = Field(
        None,
        repr=False,
        description="PostgreSQL itself, as a role that may replicate; DATABASE_URL if left out",
    )
    backup_interval_hours: Hours = Field(
        24,
        description="how often the workers make a backup, if there is a BACKUP_KEY; 0 if a timer makes one each day",
    )
    backup_drill_interval_hours: Hours = Field(
        0,
        description="how often a worker tries to restore the newest backup, with PostgreSQL's programs; 0 for never",
    )
    backup_keep: Count = Field(
        7, description="how many backups are kept; the log before the oldest is deleted"
    )
    postgresql_programs: Path | None = Field(
        None,
        description="the folder of pg_basebackup, pg_dump and initdb, of the server's major version; else the PATH",
    )

    def secrets_of_backups(self) -> tuple[bytes, ...]:
        """The keys of the backups, the present one first; raise NoBackupKeyError."""
        if self.backup_key is None:
            raise NoBackupKeyError
        keys = (self.backup_key, self.backup_previous_key)
        return tuple(key.get_secret_value().encode() for key in keys if key is not None)


def read_backup_settings(file: Path | None = None) -> BackupSettings:
    """The settings from the environment, and from a file of NAME=value lines.

    The environment wins. Raises SettingsError.
    """
    try:
        return BackupSettings(_env_file=file)  # type: ignore[call-arg]  # pydantic reads them
    except OSError as error:
        raise UnreadableSettingsError(file, error.strerror or type(error).__name__) from error
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise SettingsError(problems(details, BackupSettings.model_fields)) from None
