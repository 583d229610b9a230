"""The sandbox: servers and twins in one data folder, with their settings."""

import base64
import fcntl
import json
import os
import secrets
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from minio import Minio

from sandbox.persisted_values import DataFolderError, load_or_create, private_folder
from sandbox.ports import claimed_ports
from sandbox.processes import Process, Supervisor
from sandbox.services import postgres_server, seaweedfs_server, valkey_server
from sandbox.services.seaweedfs_server import S3

BUCKET = "restoreclick"

#: The model for a photo that the first model refuses, and for a redo.
SECOND_MODEL = "tencentarc/gfpgan:0fbacf7afc6c144e5be9767cff80f25aff23e52b0708f17e20f9879b2f21516c"
SECOND_INPUT_NAME = "img"

_TWINS = ("stripe", "replicate", "sendgrid")

#: Three processes load Python, a web framework and, in one of them, OpenCV at once.
_TWIN_READY_SECONDS = 60.0

_TWIN_STOP_SECONDS = 3.0


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
            credentials = load_or_create(self._data_dir / "credentials.json", _new_credentials)
            # The first one listed ends last, so the database is listed first.
            database, broker, storage, twins = [self._supervisor() for _ in range(4)]
            # On the stack above them, so that after Ctrl-C nothing is stopped while it is being started.
            starter = self._stack.enter_context(ThreadPoolExecutor())
            database_url = starter.submit(postgres_server.start, database, self._data_dir)
            redis_url = starter.submit(valkey_server.start, broker, self._data_dir)
            s3 = starter.submit(_start_storage, storage, self._data_dir)
            announcements = starter.submit(self._start_twins, twins, credentials)
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
                **_twins_environment(announcements.result()),
                **credentials,
                **_without_proxies(),
                **_QUOTAS,
                "PUBLIC_URL": self._shop_url,
                "STRIPE_CHECKOUT_ORIGINS": announcements.result()["stripe"]["url"],
                "SANDBOX_MAILBOX_URL": f"{announcements.result()['sendgrid']['url']}/mailbox",
                "SENDER_ADDRESS": "photos@shop.example",
            }
            self.addresses = {
                **{name: announcement["url"] for name, announcement in announcements.result().items()},
                "mailbox": f"{announcements.result()['sendgrid']['url']}/mailbox",
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

    def _start_twins(self, supervisor: Supervisor, credentials: dict[str, str]) -> dict[str, dict[str, str]]:
        """Start the twins; return their announcements: URL, and public key if any."""
        home = private_folder(self._data_dir / "twins")
        ports = supervisor.enter_context(claimed_ports(home / "ports.json", _TWINS))
        webhooks = f"{self._shop_url}/api/webhooks"
        options = {
            "stripe": {
                "--secret-key": credentials["STRIPE_SECRET_KEY"],
                "--webhook-secret": credentials["STRIPE_WEBHOOK_SECRET"],
                "--webhook-url": f"{webhooks}/stripe",
            },
            "replicate": {
                "--api-token": credentials["REPLICATE_API_TOKEN"],
                "--webhook-secret": credentials["REPLICATE_WEBHOOK_SECRET"],
            },
            "sendgrid": {
                "--api-key": credentials["SENDGRID_API_KEY"],
                "--webhook-url": f"{webhooks}/sendgrid",
            },
        }
        twins: dict[str, Process] = {}
        for name in _TWINS:
            data = private_folder(home / name)
            argv = [
                sys.executable,
                "-m",
                f"sandbox.twins.{name}",
                "--port",
                str(ports[name]),
                f"--data={data}",
            ]
            argv += [f"{option}={value}" for option, value in options[name].items()]
            log = self._data_dir / "logs" / f"{name}.log"
            process = Process.start(f"The {name} twin", argv, log=log, env=os.environ | _without_proxies())
            twins[name] = supervisor.watch(process, timeout_seconds=_TWIN_STOP_SECONDS)
        return {
            name: json.loads(twin.wait_for_line('{"twin":', _TWIN_READY_SECONDS))
            for name, twin in twins.items()
        }


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


def _twins_environment(announcements: dict[str, dict[str, str]]) -> dict[str, str]:
    replicate_url = announcements["replicate"]["url"]
    return {
        "STRIPE_API_BASE": announcements["stripe"]["url"],
        "REPLICATE_API_BASE": replicate_url,
        "REPLICATE_OUTPUT_HOSTS": replicate_url.removeprefix("http://"),
        "REPLICATE_SECOND_MODEL": SECOND_MODEL,
        "REPLICATE_SECOND_INPUT_NAME": SECOND_INPUT_NAME,
        "SENDGRID_API_BASE": announcements["sendgrid"]["url"],
        "SENDGRID_WEBHOOK_PUBLIC_KEY": announcements["sendgrid"]["public_key"],
        "DNS_SERVER": announcements["sendgrid"]["dns"],
    }


def _new_credentials() -> dict[str, str]:
    """Create credentials in each provider's format, valid in this sandbox only."""
    return {
        "STRIPE_SECRET_KEY": f"sk_test_{secrets.token_hex(16)}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
        "REPLICATE_API_TOKEN": f"r8_{secrets.token_hex(18)}",
        "REPLICATE_WEBHOOK_SECRET": f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}",
        "SENDGRID_API_KEY": f"SG.{secrets.token_urlsafe(16)}.{secrets.token_urlsafe(32)}",
        "WORKER_SECRET_KEY": secrets.token_urlsafe(32),
        "LINK_SIGNING_KEY": secrets.token_urlsafe(32),
    }


def _without_proxies() -> dict[str, str]:
    """Return an environment in which this machine is exempt from proxies."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    exempt = ",".join(filter(None, [known, "127.0.0.1", "localhost"]))
    return {"NO_PROXY": exempt, "no_proxy": exempt}
