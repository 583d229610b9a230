"""The sandbox: servers and twins in one data folder, with their settings."""

import fcntl
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from minio import Minio

from sandbox import twin_processes
from sandbox.persisted_values import DataFolderError, load_or_create, private_folder
from sandbox.processes import Process, Supervisor
from sandbox.services import postgres_server, seaweedfs_server, valkey_server
from sandbox.services.seaweedfs_server import S3

BUCKET = "restoreclick"


class DataFolderInUseError(DataFolderError):
    """Another sandbox uses the data folder."""

    def __init__(self, data_dir: Path, pid: str) -> None:
        self.data_dir = data_dir
        self.pid = pid
        super().__init__(
            f"Process {pid} is using the data folder {data_dir}: end it, or choose another folder."
        )


#: All visitors of a sandbox have this machine's address, so the quota of one client is that of all.
_QUOTAS = {
    "MAX_SESSIONS_PER_CLIENT": "1000000",
    "MAX_SESSIONS_PER_HOUR": "1000000",
    "MAX_MEBIBYTES_PER_CLIENT": "1000000",
    "MAX_MEBIBYTES_PER_HOUR": "1000000",
    "MAX_CHECKOUTS_PER_CLIENT": "1000000",
    "MAX_CHECKOUTS_PER_HOUR": "1000000",
}


class Sandbox:
    """All external services of the shop, running while the context lasts.

    Data is kept in the data folder: a sandbox started there again has the same credentials, the same data and,
    unless they were taken meanwhile, the same addresses.

    Args:
        data_dir: the data folder; created if needed.
        shop_url: the URL of the shop's API, to which the twins send webhooks.
        on_ready: is called with the name of each service once it is ready.

    Attributes:
        environment: the settings for the shop's processes.
        addresses: the addresses of pages and services, by name.
    """

    def __init__(
        self, data_dir: Path, shop_url: str, on_ready: Callable[[str], None] = lambda _: None
    ) -> None:
        self._on_ready = on_ready
        self.environment: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        self._data_dir = data_dir.resolve()
        self._shop_url = shop_url.rstrip("/")
        self._stack = ExitStack()
        self._supervisors: list[Supervisor] = []

    def __enter__(self) -> Self:
        """Start everything in parallel; raise ProcessError, leaving nothing running, on failure."""
        with self._stack:
            self._lock()
            credentials = load_or_create(self._data_dir / "credentials.json", twin_processes.new_credentials)
            # The first one listed ends last, so the database is listed first.
            database, broker, storage, twins = [self._supervisor() for _ in range(4)]
            # On the stack above them, so that after Ctrl-C nothing is stopped while it is being started.
            starter = self._stack.enter_context(ThreadPoolExecutor())
            database_url = starter.submit(postgres_server.start, database, self._data_dir)
            redis_url = starter.submit(valkey_server.start, broker, self._data_dir)
            s3 = starter.submit(_start_storage, storage, self._data_dir)
            announcements = starter.submit(
                twin_processes.start, twins, self._data_dir, self._shop_url, credentials
            )
            parts: dict[str, Future[Any]] = {
                "PostgreSQL": database_url,
                "Valkey": redis_url,
                "the S3 server": s3,
                "the twins of Stripe, Replicate and SendGrid": announcements,
            }
            for name, started in parts.items():
                started.result()
                self._on_ready(name)
            self.environment = {
                "DATABASE_URL": database_url.result(),
                "REDIS_URL": redis_url.result(),
                **_storage_environment(s3.result()),
                **twin_processes.settings(announcements.result()),
                **credentials,
                **twin_processes.without_proxies(),
                **_QUOTAS,
                "PUBLIC_URL": self._shop_url,
                "SENDER_ADDRESS": "photos@shop.example",
            }
            self.addresses = {
                **{name: announcement["url"] for name, announcement in announcements.result().items()},
                "mailbox": self.environment["SANDBOX_MAILBOX_URL"],
                "s3": s3.result().endpoint,
            }
            starter.shutdown()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def processes(self) -> list[Process]:
        """Return every server and twin, running or dead."""
        return [process for supervisor in self._supervisors for process in supervisor.processes]

    def check(self) -> None:
        """Raise ProcessError, quoting its log, if a process has died."""
        for process in self.processes:
            process.check()

    def _lock(self) -> None:
        """Lock the data folder; the lock is released when this process ends."""
        lock = self._stack.enter_context((private_folder(self._data_dir) / "lock").open("a+"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise DataFolderInUseError(self._data_dir, lock.read().strip() or "(unknown)") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()

    def _supervisor(self) -> Supervisor:
        supervisor = self._stack.enter_context(Supervisor())
        self._supervisors.append(supervisor)
        return supervisor


def _start_storage(supervisor: Supervisor, data_dir: Path) -> S3:
    s3 = seaweedfs_server.start(supervisor, data_dir)
    client = Minio(
        s3.endpoint.removeprefix("http://"),
        s3.access_key,
        s3.secret_key,
        secure=False,
        region=seaweedfs_server.REGION,
    )
    if not client.bucket_exists(BUCKET):
        client.make_bucket(BUCKET)
    return s3


def _storage_environment(s3: S3) -> dict[str, str]:
    return {
        "S3_ENDPOINT": s3.endpoint,
        "S3_ACCESS_KEY": s3.access_key,
        "S3_SECRET_KEY": s3.secret_key,
        "S3_REGION": seaweedfs_server.REGION,
        "S3_BUCKET": BUCKET,
    }
