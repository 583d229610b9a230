"""The servers that all contestants share, and the shop's processes on them."""

import hashlib
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self
from uuid import uuid4

import psycopg
import redis
from sqlalchemy import make_url

from benchmarks.cpu import CpuMeter
from benchmarks.synthetic import fill
from entrypoints.bootstrap.schema import upgrade
from sandbox.environment import Sandbox
from sandbox.ports import listening_socket
from sandbox.processes import Process, Supervisor
from sandbox.services import postgres_server

#: Generous: a busy machine takes long to import a shop.
READY_SECONDS = 180.0

_TEMPLATE = "migrated"


class Servers:
    """PostgreSQL, and with ``needs_shop`` everything else that a shop needs.

    Each database with the newest schema begins with ``filled`` delivered orders.

    Attributes:
        folder: for files and logs.
        environment: the settings of a shop's processes; empty without a shop.
        addresses: the addresses of the twins and of S3, by name.
        shop_url: where the shop's API listens once it is started.
    """

    def __init__(self, folder: Path, *, needs_shop: bool, filled: int = 0) -> None:
        self.folder = folder
        self.environment: dict[str, str] = {}
        self.addresses: dict[str, str] = {}
        self.shop_url = ""
        self._needs_shop = needs_shop
        self._filled = filled
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            if self._needs_shop:
                self._start_all()
            else:
                supervisor = self._stack.enter_context(Supervisor())
                self._server_url = postgres_server.start(supervisor, self.folder)
                self._processes = supervisor.processes
            self._execute(f"CREATE DATABASE {_TEMPLATE}")
            upgrade(self._url_of(_TEMPLATE))
            fill(self._url_of(_TEMPLATE), self._filled)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start_all(self) -> None:
        self._socket = self._stack.enter_context(listening_socket())
        self.shop_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        sandbox = self._stack.enter_context(Sandbox(self.folder, self.shop_url))
        self.environment = {
            **sandbox.environment,
            # No limit of a provider's account holds a shop up that is measured.
            "MAX_RUNNING_PREDICTIONS": "10000",
            "MAX_PREDICTIONS_PER_MINUTE": "1000000",
            "PATH": "/usr/bin:/bin",
        }
        self.addresses = sandbox.addresses
        self._server_url = sandbox.environment["DATABASE_URL"]
        self._processes = sandbox.processes

    @property
    def postgresql_version(self) -> str:
        """Return the server's version."""
        with psycopg.connect(self._server_url) as connection:
            return str(connection.execute("SHOW server_version").fetchall()[0][0])

    def pid_of(self, name: str) -> int:
        """Return the process id of a server or twin."""
        return next(process.pid for process in self._processes if process.name == name)

    def meter(self, groups: Mapping[str, list[int]] | None = None, *, with_client: bool = False) -> CpuMeter:
        """Return a meter of PostgreSQL and of other processes by name."""
        return CpuMeter(
            {**(groups or {}), "PostgreSQL": [self.pid_of("PostgreSQL")]}, with_client=with_client
        )

    def database(self) -> str:
        """Create a database with the newest schema; return its URL."""
        return self._new_database(f"TEMPLATE {_TEMPLATE}")

    def empty_database(self) -> str:
        """Create a database without tables; return its URL."""
        return self._new_database("")

    def start_api(self, resources: ExitStack, database_url: str) -> Process:
        """Start the shop's API; the queue is emptied before."""
        self.empty_queue()
        argv = ("serve", "--fd", str(self._socket.fileno()))
        return self._start(resources, ["-m", "entrypoints.cli", *argv], database_url, [self._socket.fileno()])

    def start_worker(self, resources: ExitStack, database_url: str) -> Process:
        """Start a worker of the shop."""
        return self._start(resources, ["-m", "entrypoints.cli", "worker"], database_url, [])

    def start_program(
        self,
        resources: ExitStack,
        module: str,
        *arguments: str,
        database_url: str,
        fds: list[int] | None = None,
    ) -> Process:
        """Start another Python module; wait for its first JSON line."""
        return self._start(resources, ["-m", module, *arguments], database_url, fds or [])

    def empty_queue(self) -> None:
        """Delete everything in Valkey: no row finds another's work there."""
        with redis.Redis.from_url(self.environment["REDIS_URL"]) as client:
            client.flushall()

    def settings_of(self, database_url: str) -> Mapping[str, str]:
        """Return the environment of a shop's process."""
        # A shop with another database is another shop: the key names the shop in the storage, where its log's head is.
        key = hashlib.sha256(database_url.encode()).hexdigest()
        return {**self.environment, "DATABASE_URL": database_url, "LINK_SIGNING_KEY": key}

    def _start(self, resources: ExitStack, argv: list[str], database_url: str, fds: list[int]) -> Process:
        name = " ".join(argv[1:3])
        process = Process.start(
            name,
            [sys.executable, *argv],
            log=self.folder / "logs" / f"{uuid4().hex}.log",
            env={**os.environ, **self.settings_of(database_url)},
            pass_fds=fds,
        )
        resources.enter_context(process)
        process.wait_for_line("{", READY_SECONDS)
        return process

    def _new_database(self, options: str) -> str:
        name = f"benchmark_{uuid4().hex}"
        self._execute(f"CREATE DATABASE {name} {options}")
        return self._url_of(name)

    def _url_of(self, name: str) -> str:
        return make_url(self._server_url).set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(statement.encode())
