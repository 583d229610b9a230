"""Backups of the database: made, listed, and deleted when they are old."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from domain.object_keys import LASTING
from domain.ports.backup_runs import BackupFacts, DueAfter, RunEnd, RunKind
from domain.ports.backups import (
    BackupKind,
    BackupManifest,
    BackupVault,
    DatabaseSource,
    KeptHead,
    ObjectList,
    ServerState,
)
from domain.ports.clock import Clock
from domain.ports.errors import OutsideError
from domain.ports.ids import Ids
from domain.ports.provider_listings import ObjectListing
from domain.ports.unit_of_work import HasBackupRuns, HasLogRecovery, UnitOfWork

#: When a backup that failed is tried again.
RETRY_AFTER = timedelta(hours=1)

#: A backup without an end for so long was cut off, with its worker.
LONGEST_BACKUP = timedelta(hours=6)

#: The time in a backup's id, which sorts ids by age.
ID_TIME = "%Y%m%dT%H%M%SZ"


class BackupRepositories(HasBackupRuns, HasLogRecovery, Protocol):
    """The repositories that describe a backup and record it."""


@dataclass(eq=False, kw_only=True)
class Backups:
    """Makes backups, and keeps a number of them."""

    unit_of_work: UnitOfWork[BackupRepositories]
    source: DatabaseSource
    vault: BackupVault
    objects: ObjectListing
    clock: Clock
    ids: Ids
    program_version: str
    kept: int  # how many of the newest backups are never deleted

    def make(self, kind: BackupKind) -> BackupManifest:
        """Make a backup now; raise OutsideError, which is recorded."""
        began_at = self.clock.now()
        with self.unit_of_work.transaction() as transaction:
            transaction.backup_runs.begin(RunKind.BACKUP, began_at)
        return self._recorded(kind, began_at)

    def make_if_due(self, kind: BackupKind, interval: timedelta) -> BackupManifest | None:
        """Make one backup per interval; return None if it is not due.

        The first worker to ask makes it.
        """
        began_at = self.clock.now()
        due = DueAfter(
            succeeded=began_at - interval,
            failed=began_at - min(interval, RETRY_AFTER),
            unfinished=began_at - max(interval / 4, LONGEST_BACKUP),
        )
        with self.unit_of_work.transaction() as transaction:
            if not transaction.backup_runs.begin(RunKind.BACKUP, began_at, due):
                return None
        return self._recorded(kind, began_at)

    def all(self) -> list[BackupManifest]:
        """The complete backups, oldest first."""
        return self.vault.manifests()

    def unopened(self) -> list[str]:
        """The complete backups of another key, oldest first."""
        return self.vault.unopened()

    def facts(self) -> BackupFacts:
        """The newest runs, and the state of the archived log."""
        with self.unit_of_work.transaction() as transaction:
            return transaction.backup_runs.facts()

    def delete_old(self) -> list[BackupManifest]:
        """Delete all but the newest backups, and the log before these.

        What a backup that was cut off has stored goes, too. The log of another cluster is left alone, and so is all of
        it while no physical backup is kept.
        """
        manifests = self.vault.manifests()
        old, kept = manifests[: -self.kept], manifests[-self.kept :]
        for backup_id in (*(manifest.backup_id for manifest in old), *self._cut_off()):
            self.vault.discard(backup_id)
        if old:
            oldest: dict[str, str] = {}
            for manifest in kept:
                if manifest.kind is BackupKind.PHYSICAL:
                    oldest.setdefault(manifest.server.cluster, manifest.server.log_file)
            for cluster, log_file in oldest.items():
                self.vault.discard_log(cluster, log_file)
        return old

    def _cut_off(self) -> list[str]:
        """Backups without a manifest that no worker can be making any more.

        An id begins with the time of its beginning.
        """
        latest = f"{self.clock.now() - 2 * LONGEST_BACKUP:{ID_TIME}}"
        return [backup_id for backup_id in self.vault.unfinished() if backup_id < latest]

    def _recorded(self, kind: BackupKind, began_at: datetime) -> BackupManifest:
        backup_id = f"{began_at:{ID_TIME}}-{kind}-{self.ids.new().hex[-8:]}"
        try:
            manifest = self._make(backup_id, kind, began_at)
        except Exception as error:
            problem = str(error) if isinstance(error, OutsideError) else type(error).__name__
            self._end(began_at, RunEnd(backup_id=backup_id, problem=problem))
            with suppress(OutsideError):  # `delete_old` finds it later
                self.vault.discard(backup_id)
            raise
        self._end(began_at, RunEnd(backup_id=backup_id, size_bytes=manifest.size_bytes))
        self.delete_old()
        return manifest

    def _make(self, backup_id: str, kind: BackupKind, began_at: datetime) -> BackupManifest:
        server, head = self._state()
        with self.source.copy(kind) as chunks:
            parts = self.vault.write(backup_id, "database", chunks)
        # After the database: the list then has all that its log names, but for what was deleted meanwhile.
        objects = self._object_list(backup_id)
        manifest = BackupManifest(
            backup_id=backup_id,
            kind=kind,
            began_at=began_at,
            ended_at=self.clock.now(),
            program_version=self.program_version,
            server=server,
            log_head=head,
            parts=parts,
            objects=objects,
        )
        self.vault.keep(manifest)
        return manifest

    def _state(self) -> tuple[ServerState, KeptHead | None]:
        with self.unit_of_work.transaction() as transaction:
            newest = transaction.log_recovery.newest_event()
            server = transaction.backup_runs.server()
        if newest is None:
            return server, None
        return server, KeptHead(event_id=newest.event_id, sha256=newest.sha256, position=newest.position)

    def _object_list(self, backup_id: str) -> ObjectList:
        total = _Total()
        parts = self.vault.write(backup_id, "objects", self._lines(total))
        return ObjectList(count=total.count, size_bytes=total.size_bytes, parts=parts)

    def _lines(self, total: "_Total") -> Iterator[bytes]:
        for prefix in LASTING:
            for listed in self.objects.objects_under(prefix):
                total.count += 1
                total.size_bytes += listed.size_bytes
                yield f"{listed.key} {listed.size_bytes}\n".encode()

    def _end(self, began_at: datetime, end: RunEnd) -> None:
        with self.unit_of_work.transaction() as transaction:
            transaction.backup_runs.end(RunKind.BACKUP, began_at, self.clock.now(), end)


@dataclass
class _Total:
    count: int = field(default=0)
    size_bytes: int = field(default=0)
