"""The data directory is destroyed under load: no acknowledged payment is lost.

What the archived log lacks, at most the last seconds, `db restored` rebuilds from the payments at the provider and the
photos in the storage.
"""

import os
import random
import shutil
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import pytest

from adapters.postgres.schema_upgrade import upgrade
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.states import State
from domain.order.values import OrderId
from domain.ports.backups import BackupKind
from domain.ports.errors import UnavailableError
from entrypoints.backup_settings import BackupSettings, read_backup_settings
from entrypoints.bootstrap.backup_storage import open_vault
from entrypoints.bootstrap.backups import backups_from
from entrypoints.bootstrap.restores import restore_cluster
from sandbox.services.seaweedfs_server import S3
from tests.doubles.container import InMemoryShop
from tests.doubles.object_storage import InMemoryStorage
from tests.entrypoints.support.archiving_cluster import (
    Cluster,
    archive_with,
    copy,
    env_file,
    environment_of,
    make_buckets,
    running,
)
from tests.waiting import eventually

#: The worker writes the head of the log every ten seconds; here after so many payments.
PAYMENTS_PER_HEAD = 4


@dataclass
class Customers:
    """Customers who pay one after the other while there is a database."""

    shop: InMemoryShop
    acknowledged: list[OrderId] = field(default_factory=list)
    stopping: Event = field(default_factory=Event)

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._pay()
            except UnavailableError:
                return

    def _pay(self) -> None:
        number = len(self.acknowledged)
        session_id = self.shop.upload(b"photo %d" % number)
        self.acknowledged.append(self.shop.pay(session_id))
        self.shop.clock.advance(seconds=1)
        if number % 3 == 0:
            self.shop.work()
            self.shop.end_predictions()
        if number % PAYMENTS_PER_HEAD == 0:
            self.shop.log_heads.write()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, bucket: S3) -> Path:
    """A stopped cluster with the schema, which archives its log."""
    folder = tmp_path_factory.mktemp("template")
    archive_with(environment_of(bucket), folder, timeout="2s")
    with running(folder) as cluster:
        upgrade(cluster.url)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(10))
def test_no_acknowledged_payment_is_lost_with_the_data_directory(
    tmp_path: Path, bucket: S3, template: Path, seed: int
) -> None:
    moments = random.Random(seed)  # noqa: S311 -- it only has to be repeatable
    folder = tmp_path / "shop"
    # All copies have one system identifier, by which archived files are named.
    environment = {**environment_of(bucket), "BACKUP_S3_BUCKET": f"backups-{seed}"}
    make_buckets(bucket, f"backups-{seed}")
    copy(template, folder, environment)
    settings = read_backup_settings(folder / "backup.env")
    with running(folder) as cluster, closing(PostgresUnitOfWork(cluster.url, connections=4)) as unit_of_work:
        owner = cluster.data.stat()
        customers = Customers(InMemoryShop(unit_of_work=unit_of_work))
        load = Thread(target=customers.run)
        load.start()
        try:
            until(customers, moments.randint(0, 6))
            back_up(settings, cluster, customers.shop)
            until(customers, len(customers.acknowledged) + moments.randint(0, 16))
            if moments.random() < 0.5:
                cluster.archive()
            until(customers, len(customers.acknowledged) + moments.randint(0, 6))
        finally:
            for process in cluster.supervisor.processes:
                process.kill()
            customers.stopping.set()
            load.join()
        shutil.rmtree(cluster.data)
    restored = tmp_path / "restored"
    home = restored / "postgresql"
    home.mkdir(parents=True, mode=0o700)
    restore_cluster(settings, home / "data", backup_id=None, at=None, env_file=folder / "backup.env")
    env_file(environment, restored)
    for path in (home / "data", *(home / "data").rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    with (
        running(restored) as cluster,
        closing(PostgresUnitOfWork(cluster.url, connections=4)) as unit_of_work,
    ):
        cluster.wait_for_recovery()
        shop = successor(customers.shop, unit_of_work)
        recovery = shop.restored_database.recover(even_if_current=True)
        assert recovery is not None
        lost = [each for each in customers.acknowledged if shop.order(each).payment is None]
        assert lost == [], f"{len(lost)} of {len(customers.acknowledged)} acknowledged payments"
        assert recovery.held == ()
        shop.live(customers.acknowledged[-1], hours=0.2)
        states = {shop.order(order_id).state for order_id in customers.acknowledged}
        assert states == {State.COMPLETED}
        numbers = [shop.order(each).payment.order_number for each in customers.acknowledged]  # type: ignore[union-attr]
        assert len(set(numbers)) == len(numbers)


def until(customers: Customers, count: int) -> None:
    eventually(lambda: len(customers.acknowledged) >= count, f"{count} payments")


def back_up(settings: BackupSettings, cluster: Cluster, shop: InMemoryShop) -> None:
    with (
        open_vault(settings) as vault,
        closing(PostgresUnitOfWork(cluster.url, connections=1)) as unit_of_work,
    ):
        # The customers' thread writes the shop's own storage meanwhile.
        backups = backups_from(
            settings,
            cluster.url,
            vault,
            unit_of_work=unit_of_work,
            objects=InMemoryStorage(),
            clock=shop.clock,
        )
        backups.make(BackupKind.PHYSICAL)


def successor(lost: InMemoryShop, unit_of_work: PostgresUnitOfWork) -> InMemoryShop:
    """A shop on the restored database, with the lost one's outside services."""
    shop = InMemoryShop(unit_of_work=unit_of_work)
    outside = (lost.clock, lost.ids, lost.storage, lost.payments, lost.restorer, lost.mailer)
    shop.clock, shop.ids, shop.storage, shop.payments, shop.restorer, shop.mailer = deepcopy(outside)
    shop.wire(shop.payments)
    shop.clock.advance(minutes=1)
    return shop
