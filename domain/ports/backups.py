"""The ports for making and keeping backups of the database."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.order.values import ObjectKey, Sha256
from domain.ports.errors import OutsideError, UnavailableError


class BackupKind(StrEnum):
    """How the database is copied."""

    PHYSICAL = "physical"  # the files of the whole cluster, which the archived log continues
    LOGICAL = "logical"  # the rows of one database, as they were at one moment


@dataclass(frozen=True, kw_only=True)
class ServerState:
    """The database server that a backup is made of."""

    version: str
    cluster: str  # the system identifier, which a cluster keeps for life
    log_file: str  # the file of the write-ahead log that is being written
    database: str
    role: str
    schema_revision: str
    size_bytes: int  # of the database


@dataclass(frozen=True, kw_only=True)
class KeptHead:
    """The newest event of the log when the backup began."""

    event_id: UUID
    sha256: Sha256
    position: int


@dataclass(frozen=True, kw_only=True)
class BackupPart:
    """One encrypted object of a backup."""

    key: ObjectKey
    size_bytes: int
    sha256: Sha256  # of the encrypted bytes


@dataclass(frozen=True, kw_only=True)
class ObjectList:
    """The stored photos, results and archives that belong to a backup.

    ``parts`` hold a line of key and size for each.
    """

    count: int
    size_bytes: int
    parts: tuple[BackupPart, ...]


@dataclass(frozen=True, kw_only=True)
class BackupManifest:
    """What a backup consists of, and what belongs to it; written last."""

    backup_id: str
    kind: BackupKind
    began_at: datetime
    ended_at: datetime
    program_version: str
    server: ServerState
    log_head: KeptHead | None  # None if the log was empty
    parts: tuple[BackupPart, ...]
    objects: ObjectList

    @property
    def size_bytes(self) -> int:
        """The size of all its objects, encrypted."""
        return sum(part.size_bytes for part in (*self.parts, *self.objects.parts))


class BackupFailedError(UnavailableError):
    """A program of the database failed, or is missing."""

    def __init__(self, program: str, detail: str) -> None:
        self.program = program
        super().__init__(program, detail)

    def __str__(self) -> str:
        """Say which program failed, and how."""
        return f"{self.program} failed: {self.detail}"


class UndecryptableError(OutsideError):
    """The encrypted bytes were changed or cut, or have another key."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"What was stored cannot be decrypted: {detail}.")


class UnusableBackupError(OutsideError):
    """A backup cannot be restored, whatever is done."""

    def __init__(self, backup_id: str, problem: str) -> None:
        self.backup_id = backup_id
        self.problem = problem
        super().__init__(f"Backup {backup_id} cannot be restored: {problem}")


class DatabaseSource(Protocol):
    """Copies the whole database as one stream."""

    def copy(self, kind: BackupKind) -> AbstractContextManager[Iterator[bytes]]:
        """The copy in chunks; raise BackupFailedError, at the latest at its end."""


class BackupVault(Protocol):
    """Keeps encrypted backups. Every method may raise UnavailableError."""

    def write(self, backup_id: str, name: str, chunks: Iterable[bytes]) -> tuple[BackupPart, ...]:
        """Encrypt and store a stream in parts of bounded size."""

    def read(self, parts: Iterable[BackupPart]) -> Iterator[bytes]:
        """Decrypt a stream; raise UndecryptableError or ObjectMissingError."""

    def keep(self, manifest: BackupManifest) -> None:
        """Store the manifest, which makes the backup complete."""

    def manifests(self) -> list[BackupManifest]:
        """The complete backups that this vault's key made, oldest first."""

    def unopened(self) -> list[str]:
        """The ids of complete backups that another key made, oldest first."""

    def unfinished(self) -> list[str]:
        """The ids of backups without a manifest, in progress or cut off."""

    def discard(self, backup_id: str) -> None:
        """Delete a backup that this vault's key made, the manifest first."""

    def discard_log(self, cluster: str, before: str) -> int:
        """Delete archived files of the log before this one; return how many."""
