"""Backups: what belongs to one, when one is due, which are deleted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from adapters.backups.vault import StorageVault, WalArchive
from domain.object_keys import LASTING
from domain.order.values import ObjectKey, Sha256
from domain.ports.backups import BackupFailedError, BackupKind, BackupManifest, UndecryptableError
from domain.ports.errors import ObjectDiffersError, ObjectMissingError, UnavailableError
from domain.ports.object_storage import ObjectDescription, ObjectOwner
from domain.signed_tokens import sha256_of
from domain.use_cases.recovery.backups import Backups
from tests.doubles.container import InMemoryShop
from tests.doubles.object_storage import InMemoryStorage

SECRET = b"a key of backups, with fifty secret characters ..."
DAY = timedelta(days=1)


@dataclass
class Copier:
    """Copies a database of these chunks, or fails after them."""

    chunks: list[bytes] = field(default_factory=lambda: [b"table", os.urandom(1_500_000)])
    failure: Exception | None = None
    copied: list[BackupKind] = field(default_factory=list)

    @contextmanager
    def copy(self, kind: BackupKind) -> Iterator[Iterator[bytes]]:
        self.copied.append(kind)
        yield self._stream()

    def _stream(self) -> Iterator[bytes]:
        yield from self.chunks
        if self.failure is not None:
            raise self.failure


class BackedUpShop(InMemoryShop):
    """A shop of doubles with backups."""

    def __init__(self, kept: int = 3) -> None:
        super().__init__()
        self.copier = Copier()
        self.bucket = InMemoryStorage(clock=self.clock)
        self.vault = StorageVault(self.bucket, [SECRET], part_bytes=1)
        self.backups = Backups(
            unit_of_work=self.unit_of_work,
            source=self.copier,
            vault=self.vault,
            objects=self.storage,
            clock=self.clock,
            ids=self.ids,
            program_version="0.2.0",
            kept=kept,
        )

    def make(self) -> BackupManifest:
        manifest = self.backups.make(BackupKind.PHYSICAL)
        self.clock.advance(hours=1)
        return manifest


def test_a_backup_names_the_log_the_schema_and_the_objects_that_belong_to_it() -> None:
    shop = BackedUpShop()
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id, hours=0.1)
    made = shop.make()
    assert shop.backups.all() == [made]
    with shop.unit_of_work.transaction() as transaction:
        newest = transaction.log_recovery.newest_event()
    assert newest is not None
    assert made.log_head is not None
    assert made.log_head.event_id == newest.event_id
    assert (made.server.schema_revision, made.program_version) == ("0030", "0.2.0")
    lines = b"".join(shop.vault.read(made.objects.parts)).decode().splitlines()
    lasting = {
        f"{key} {len(content)}" for key, content in shop.storage.objects.items() if key.startswith(LASTING)
    }
    assert set(lines) == lasting
    assert made.objects.count == len(lasting) == 3
    assert made.objects.size_bytes == sum(int(line.rpartition(" ")[2]) for line in lasting)


def test_a_backup_is_stored_in_parts_that_are_unreadable_without_the_key() -> None:
    shop = BackedUpShop()
    made = shop.make()
    assert len(made.parts) > 1
    assert b"".join(shop.vault.read(made.parts)) == b"".join(shop.copier.chunks)
    assert all(b"table" not in content for key, content in shop.bucket.objects.items() if "data" in key)
    assert [sha256_of(shop.bucket.objects[part.key]) for part in made.parts] == [p.sha256 for p in made.parts]
    with pytest.raises(UndecryptableError):
        list(StorageVault(shop.bucket, [SECRET[::-1]]).read(made.parts))


def test_parts_in_another_order_are_refused() -> None:
    shop = BackedUpShop()
    made = shop.make()
    with pytest.raises(UndecryptableError):
        list(shop.vault.read(made.parts[::-1]))


def test_a_backup_that_fails_leaves_nothing_but_its_record() -> None:
    shop = BackedUpShop()
    shop.copier.failure = BackupFailedError("pg_basebackup", "no space")
    with pytest.raises(BackupFailedError):
        shop.make()
    assert shop.bucket.objects == {}
    facts = shop.backups.facts()
    assert facts.newest_backup_at is None
    assert facts.newest_failure == "pg_basebackup failed: no space"


def test_a_backup_without_its_manifest_does_not_count() -> None:
    shop = BackedUpShop()
    shop.bucket.fault_injector.fail("put", UnavailableError("The storage", "no answer"))
    with pytest.raises(UnavailableError):
        shop.make()
    assert shop.backups.all() == []


def test_one_backup_is_made_in_an_interval() -> None:
    shop = BackedUpShop()
    assert shop.backups.make_if_due(BackupKind.LOGICAL, DAY) is not None
    assert shop.backups.make_if_due(BackupKind.LOGICAL, DAY) is None
    shop.clock.advance(hours=24)
    assert shop.backups.make_if_due(BackupKind.LOGICAL, DAY) is not None
    assert shop.copier.copied == [BackupKind.LOGICAL] * 2


def test_a_failed_backup_is_repeated_after_an_hour() -> None:
    shop = BackedUpShop()
    shop.copier.failure = BackupFailedError("pg_basebackup", "no space")
    with pytest.raises(BackupFailedError):
        shop.backups.make_if_due(BackupKind.PHYSICAL, DAY)
    shop.copier.failure = None
    assert shop.backups.make_if_due(BackupKind.PHYSICAL, DAY) is None
    shop.clock.advance(hours=1)
    assert shop.backups.make_if_due(BackupKind.PHYSICAL, DAY) is not None


def test_the_newest_backups_stay_and_older_ones_go_with_their_objects() -> None:
    shop = BackedUpShop(kept=2)
    made = [shop.make() for _ in range(4)]
    assert shop.backups.all() == made[2:]
    kept_ids = {each.backup_id for each in made[2:]}
    assert {key.split("/")[2].removesuffix(".json") for key in shop.bucket.objects} == kept_ids


def test_what_a_backup_that_was_cut_off_has_stored_is_deleted_a_day_later() -> None:
    shop = BackedUpShop()
    begun = f"{shop.clock.now():%Y%m%dT%H%M%SZ}-physical-cut0ff"
    shop.vault.write(begun, "database", [b"half of it"])
    shop.make()
    assert begun in str(shop.bucket.objects), "another worker may be making it"
    shop.clock.advance(hours=24)
    shop.make()
    assert begun not in str(shop.bucket.objects)
    assert len(shop.backups.all()) == 2


def test_a_backup_whose_remains_cannot_be_deleted_fails_with_its_own_reason() -> None:
    shop = BackedUpShop()
    shop.copier.failure = BackupFailedError("pg_basebackup", "no space")
    shop.bucket.fault_injector.fail("purge", UnavailableError("The storage", "no answer"))
    with pytest.raises(BackupFailedError):
        shop.make()


def test_backups_of_another_key_and_other_objects_are_never_deleted() -> None:
    shop = BackedUpShop(kept=1)
    key = ObjectKey("backups/manifests/anothers.json")
    shop.bucket.objects[key] = b"{}"
    shop.bucket.described[key] = ObjectDescription(
        key=key,
        size_bytes=2,
        media_type="application/json",
        stored_at=shop.clock.now(),
        owner=ObjectOwner.FOREIGN,
    )
    shop.make()
    shop.make()
    assert key in shop.bucket.objects
    assert len(shop.backups.all()) == 1


def push(
    shop: BackedUpShop, name: str, content: bytes = b"records", cluster: str = "7000000000000000001"
) -> None:
    archive = WalArchive(shop.bucket, [SECRET], cluster)
    archive.push(name, content, Sha256(sha256_of(content)))


def archived(shop: BackedUpShop, cluster: str = "7000000000000000001") -> list[str]:
    prefix = f"backups/wal/{cluster}/"
    return sorted(key.removeprefix(prefix) for key in shop.bucket.objects if key.startswith(prefix))


def test_the_log_before_the_oldest_backup_goes_whatever_its_timeline() -> None:
    shop = BackedUpShop(kept=1)
    names = [f"00000001000000000000000{digit}" for digit in (1, 2, 3)]
    for name in [*names, "000000020000000000000001", "00000002.history"]:
        push(shop, name)
    push(shop, names[0], cluster="another")
    shop.make()
    assert len(archived(shop)) == 5, "the only backup may be followed by all of it"
    shop.make()
    assert archived(shop) == ["000000010000000000000002", "000000010000000000000003", "00000002.history"]
    assert archived(shop, "another") == [names[0]]


def test_a_logical_backup_deletes_no_log() -> None:
    shop = BackedUpShop(kept=1)
    push(shop, "000000010000000000000001")
    for _ in range(2):
        shop.backups.make(BackupKind.LOGICAL)
        shop.clock.advance(hours=1)
    assert archived(shop) == ["000000010000000000000001"]


def test_a_file_of_the_log_is_archived_once() -> None:
    shop = BackedUpShop()
    push(shop, "000000010000000000000001", b"records")
    push(shop, "000000010000000000000001", b"records")
    with pytest.raises(ObjectDiffersError):
        push(shop, "000000010000000000000001", b"other records")
    archive = WalArchive(shop.bucket, [SECRET], "7000000000000000001")
    assert b"".join(archive.fetch("000000010000000000000001")) == b"records"
    with pytest.raises(ObjectMissingError):
        list(archive.fetch("000000010000000000000002"))


def test_a_backup_that_the_key_does_not_open_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = BackedUpShop()
    other = StorageVault(InMemoryStorage(clock=shop.clock), [SECRET])
    assert (shop.vault.newest_unopened(), other.unopened()) == (None, [])
    made = shop.backups.make(BackupKind.PHYSICAL)
    assert (shop.backups.unopened(), shop.vault.newest_unopened()) == ([], None)
    differs = StorageVault(shop.bucket, [b"another key of backups, with fifty characters .."], part_bytes=1)
    assert differs.newest_unopened() == made.backup_id
    described = shop.bucket.describe

    def of_another_key(key: ObjectKey) -> ObjectDescription:
        return replace(described(key), owner=ObjectOwner.FOREIGN)

    monkeypatch.setattr(shop.bucket, "describe", of_another_key)
    assert (differs.newest_unopened(), differs.unopened()) == (made.backup_id, [made.backup_id])


def test_the_newest_file_of_the_log_tells_whether_its_key_is_the_same() -> None:
    shop = BackedUpShop()
    ours, theirs = (WalArchive(shop.bucket, [secret], "7") for secret in (SECRET, b"another key" * 5))
    assert ours.newest_unopened() is None
    for archive, name in ((theirs, "000000010000000000000001"), (ours, "000000010000000000000002")):
        archive.push(name, name.encode(), sha256_of(name.encode()))
    assert (ours.newest_unopened(), theirs.newest_unopened()) == (None, "000000010000000000000002")


def test_after_a_new_key_old_and_new_backups_and_logs_are_opened_by_both_together() -> None:
    shop = BackedUpShop()
    new = b"a key of backups, made a year after the other one"
    old_backup = shop.backups.make(BackupKind.PHYSICAL)
    push(shop, "000000010000000000000001", b"first")
    both = StorageVault(shop.bucket, [new, SECRET], part_bytes=1)
    shop.backups.vault = both
    shop.clock.advance(hours=1)
    new_backup = shop.backups.make(BackupKind.PHYSICAL)
    for backup in (old_backup, new_backup):
        assert b"".join(both.read(backup.parts)) == b"".join(shop.copier.chunks)
    assert (both.newest_unopened(), StorageVault(shop.bucket, [new]).newest_unopened()) == (None, None)
    assert shop.vault.newest_unopened() == new_backup.backup_id, (
        "the old key alone does not open the new backup"
    )
    log = WalArchive(shop.bucket, [new, SECRET], "7000000000000000001")
    log.push("000000010000000000000001", b"first", sha256_of(b"first"))
    log.push("000000010000000000000002", b"second", sha256_of(b"second"))
    assert [b"".join(log.fetch(name)) for name in sorted(log.names("0" * 24))] == [b"first", b"second"]
    assert log.newest_unopened() is None
