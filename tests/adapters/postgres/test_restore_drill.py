"""The restore drill: PostgreSQL with its log archived to a bucket.

The commands are those of docs/backup.md, except for the addresses of the bucket and of curl's settings.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from minio import Minio
from psycopg import sql

from adapters.postgres.schema_upgrade import upgrade
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.states import State
from domain.order.values import OrderId
from domain.ports.errors import DatabaseBehindError
from sandbox.processes import Supervisor
from sandbox.services import postgres_server, seaweedfs_server
from sandbox.services.seaweedfs_server import S3
from tests.adapters.support.cluster_backup import base_backup, owned_like
from tests.doubles.container import InMemoryShop
from tests.waiting import eventually

BACKUP_PAGE = Path(__file__).parents[3] / "docs" / "backup.md"
#: Their values in docs/backup.md.
CURL_SETTINGS, BUCKET_ADDRESS = "/etc/restoreclick/wal.curl", "https://s3.example.com/shop-database"


@dataclass(frozen=True)
class Archive:
    """The bucket of the archived log, and curl's settings for it."""

    s3: S3
    curl_settings: Path

    def documented(self, setting: str) -> str:
        """A line of docs/backup.md, for this bucket."""
        (line,) = re.findall(rf"^{setting} = .*$", BACKUP_PAGE.read_text(), re.MULTILINE)
        address = f"{self.s3.endpoint}/shop-database"
        return str(line).replace(CURL_SETTINGS, str(self.curl_settings)).replace(BUCKET_ADDRESS, address)

    def value_of(self, setting: str) -> str:
        """The same without its name and quotes."""
        return self.documented(setting).partition(" = ")[2].strip("'")

    @property
    def client(self) -> Minio:
        """A client of the bucket."""
        return Minio(
            self.s3.endpoint.removeprefix("http://"),
            self.s3.access_key,
            self.s3.secret_key,
            secure=False,
            region=seaweedfs_server.REGION,
        )

    def files(self) -> list[str]:
        """The archived files of the log."""
        return [str(each.object_name) for each in self.client.list_objects("shop-database", "wal/")]


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp("bucket")
    documented = BACKUP_PAGE.read_text().partition(f"`{CURL_SETTINGS}`:\n\n```\n")[2].partition("```")[0]
    with Supervisor() as supervisor:
        s3 = seaweedfs_server.start(supervisor, folder)
        settings = folder / "wal.curl"
        settings.write_text(documented.replace("ACCESS_KEY:SECRET_KEY", f"{s3.access_key}:{s3.secret_key}"))
        archive = Archive(s3, settings)
        archive.client.make_bucket("shop-database")
        yield archive


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A server on a folder of its own, until the block ends."""
    with Supervisor() as supervisor:
        yield postgres_server.start(supervisor, folder)


def archive(url: str) -> None:
    """Wait until everything written is archived."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None

        def is_archived() -> bool:
            found = connection.execute("SELECT last_archived_wal >= %s FROM pg_stat_archiver", row)
            return found.fetchone() == (True,)

        eventually(is_archived, "the archived log")


@contextmanager
def shop_on(url: str, lost: InMemoryShop | None = None) -> Iterator[InMemoryShop]:
    """A shop on this database, with a lost shop's outside services."""
    unit_of_work = PostgresUnitOfWork(url, connections=4)
    shop = InMemoryShop(unit_of_work=unit_of_work)
    if lost is not None:
        # Copies, so that each restore begins with the same services.
        outside = (lost.clock, lost.ids, lost.storage, lost.payments, lost.restorer, lost.mailer)
        shop.clock, shop.ids, shop.storage, shop.payments, shop.restorer, shop.mailer = deepcopy(outside)
        shop.wire(shop.payments)
        shop.clock.advance(minutes=1)
    yield shop
    unit_of_work.close()


def sell(shop: InMemoryShop, photo: bytes) -> OrderId:
    order_id = shop.pay(shop.upload(photo))
    assert shop.live(order_id, hours=0.1).state is State.COMPLETED
    return order_id


def numbers(shop: InMemoryShop) -> list[str]:
    with shop.unit_of_work.transaction() as transaction:
        return sorted(order.number for order in transaction.order_queries.newest(10))


@dataclass(frozen=True)
class Loss:
    """A shop of whose database a base backup and archive remain."""

    folder: Path
    shop: InMemoryShop
    orders: list[OrderId]


@pytest.fixture(scope="module")
def loss(tmp_path_factory: pytest.TempPathFactory, archived: Archive) -> Loss:
    tmp_path = tmp_path_factory.mktemp("drill")
    cluster = tmp_path / "shop"
    with running(cluster) as url, psycopg.connect(url, autocommit=True) as connection:
        for setting in ("archive_mode", "archive_timeout", "archive_command"):
            value = sql.Literal(archived.value_of(setting))
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(setting), value))
    with running(cluster) as url:
        upgrade(url)
        with shop_on(url) as shop:
            orders = [sell(shop, b"before the backup")]
            base_backup(url, tmp_path / "backup")
            orders += [sell(shop, b"wedding"), sell(shop, b"harvest")]
            shop.log_heads.write()
            archive(url)
    owned = tmp_path / "backup"
    owned_like(owned, cluster / "postgresql" / "data")
    shutil.rmtree(cluster)
    return Loss(tmp_path, shop, orders)


def unpack(loss: Loss, target: Path, *, replay_from: Archive | None = None) -> Path:
    """Unpack the base backup to a cluster, as in docs/backup.md."""
    home = target / "postgresql"
    home.mkdir(parents=True)
    cluster = home / "data"
    shutil.copytree(loss.folder / "backup", cluster)
    if replay_from is not None:
        (cluster / "recovery.signal").touch()
        with (cluster / "postgresql.auto.conf").open("a") as settings:
            settings.write(replay_from.documented("restore_command") + "\n")
    home.chmod(0o700)
    cluster.chmod(0o700)
    owned_like(cluster, loss.folder / "backup")
    return target


def test_restored_to_the_end_of_the_archived_log_nothing_is_lost(
    tmp_path: Path, loss: Loss, archived: Archive
) -> None:
    with running(unpack(loss, tmp_path, replay_from=archived)) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            eventually(
                lambda: connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,),
                "the end of the log",
            )
        with shop_on(url, loss.shop) as shop:
            shop.log_heads.check()
            assert shop.restored_database.recover() is None
            assert {shop.order(order_id).state for order_id in loss.orders} == {State.COMPLETED}
            sell(shop, b"after the restore")
            assert numbers(shop) == [f"20260314-{count:06}" for count in range(1, 5)]


@pytest.mark.usefixtures("loss")
def test_an_archived_file_is_never_overwritten_and_archiving_it_again_succeeds(
    tmp_path: Path, archived: Archive
) -> None:
    name = archived.files()[0].removeprefix("wal/")
    before = archived.client.get_object("shop-database", f"wal/{name}").data
    same, other = tmp_path / "same", tmp_path / "other"
    same.write_bytes(before)
    other.write_bytes(before[::-1])

    def archives(file: Path) -> bool:
        return run(archived.value_of("archive_command"), file, name) == 0

    assert archives(same)
    assert not archives(other)
    assert archived.client.get_object("shop-database", f"wal/{name}").data == before


@pytest.mark.usefixtures("loss")
def test_an_unreadable_bucket_is_not_the_end_of_the_log(tmp_path: Path, archived: Archive) -> None:
    command = archived.value_of("restore_command")
    name = archived.files()[0].removeprefix("wal/")
    assert run(command, tmp_path / "found", name) == 0
    assert (tmp_path / "found").stat().st_size > 0
    assert run(command, tmp_path / "none", "0000000900000009000000FF") == 1
    strangers = tmp_path / "wal.curl"
    strangers.write_text(archived.curl_settings.read_text().replace(archived.s3.secret_key, "wrong"))
    assert run(command.replace(str(archived.curl_settings), str(strangers)), tmp_path / "none", name) == 255


def run(command: str, path: Path, name: str) -> int:
    """The exit status of an archive or restore command for one file."""
    filled = command.replace("%%", "\0").replace("%p", str(path)).replace("%f", name).replace("\0", "%")
    return subprocess.run(["/bin/sh", "-c", filled], check=False, capture_output=True).returncode  # noqa: S603


def test_a_restored_backup_is_detected_and_repaired(tmp_path: Path, loss: Loss) -> None:
    with (
        running(unpack(loss, tmp_path)) as url,
        shop_on(url, loss.shop) as shop,
    ):
        assert numbers(shop) == ["20260314-000001"]
        with pytest.raises(DatabaseBehindError):
            shop.log_heads.check()
        recovery = shop.restored_database.recover()
        assert recovery is not None
        assert sorted(recovery.rebuilt) == sorted(loss.orders[1:])
        assert recovery.held == ()
        assert {shop.live(order_id, hours=0.1).state for order_id in loss.orders} == {State.COMPLETED}
        assert numbers(shop) == [f"20260314-{count:06}" for count in range(1, 4)]
        shop.log_heads.check()
        sell(shop, b"after the restore")
        assert len(set(numbers(shop))) == 4
        assert all(payment.left == payment.paid.amount for payment in shop.payments.payments.values())
