"""The whole shop on one machine: the sandbox, the API and its workers, each in processes of their own."""

import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket
from typing import Self

from entrypoints.bootstrap.database import upgrade
from entrypoints.command_errors import CommandFailedError
from entrypoints.settings import DatabaseSettings, Settings
from sandbox.environment import Sandbox
from sandbox.persisted_values import DataFolderError, keep, kept
from sandbox.ports import HOST, listening_socket
from sandbox.processes import Process, ProcessError

#: What the sandbox does not know; and with local providers there is no reason for the patience real ones deserve.
LOCAL = {
    "SENDER_ADDRESS": "photos@restoreclick.example",
    "RESTORATION_POLL_SECONDS": "2",
    "RESTORATION_RETRY_SECONDS": "1",
    "EMAIL_RETRY_DELAY_MS": "1000",
    "EMAIL_CONFIRMATION_SECONDS": "5",
    "RESEND_AFTER_SECONDS": "2",
    "SWEEP_INTERVAL_MS": "250",
    "RECONCILE_GRACE_SECONDS": "5",
}

READY_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class _Role:
    """A process of the shop: what people call it, the command it runs, and how its ready line begins."""

    name: str
    command: str
    ready: str
    log: str


_API = _Role(name="The API", command="serve", ready='{"listening"', log="serve.log")
_WORKER = _Role(name="The worker", command="worker", ready='{"worker"', log="worker.log")


def _workers(count: int) -> list[_Role]:
    """As many workers as are wanted, each with a log of its own."""
    further = [
        replace(_WORKER, name=f"Worker {number}", log=f"worker-{number}.log")
        for number in range(2, count + 1)
    ]
    return [_WORKER, *further]


class LocalShop:
    """A shop that is open for as long as the context lasts; its data stays in ``data_dir``.

    Args:
        data_dir: the folder that holds everything; made if needed.
        settings: settings of the shop that differ from those of a local one.
        workers: how many workers there are.

    Attributes:
        data_dir: the folder that holds everything.
        url: where customers reach it.
        addresses: the providers' twins and the S3 server, by name.
        environment: everything its processes are told.
    """

    def __init__(
        self, data_dir: Path, settings: Mapping[str, str] | None = None, *, workers: int = 1
    ) -> None:
        self.url = ""
        self.addresses: dict[str, str] = {}
        self.environment: dict[str, str] = {}
        self.data_dir = data_dir.resolve()
        self._settings = LOCAL | dict(settings or {})
        self._stack = ExitStack()
        self._roles = [_API, *_workers(workers)]
        self._crew: dict[_Role, Process] = {}

    def __enter__(self) -> Self:
        """Start everything; raises CommandFailedError, with nothing left running, if something does not come up."""
        with self._stack, told():
            self._listener = self._stack.enter_context(self._bound_listener())
            self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
            self._sandbox = self._stack.enter_context(Sandbox(self.data_dir, self.url))
            keep(self._port_file, self._listener.getsockname()[1])
            self.addresses = self._sandbox.addresses
            self.environment = _without_settings() | self._sandbox.environment | self._settings
            upgrade(self.database)
            self._stack.callback(self._dismiss)
            for role in self._roles:
                self._start(role)
            for role, process in self._crew.items():
                process.wait_for_line(role.ready, READY_SECONDS)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def database(self) -> DatabaseSettings:
        """The way to the shop's books."""
        return DatabaseSettings.model_validate({"database_url": self._sandbox.environment["DATABASE_URL"]})

    @property
    def worker(self) -> Process:
        """The worker that runs now, or has died."""
        return self._crew[_WORKER]

    @property
    def processes(self) -> dict[str, Process]:
        """Every process of the shop and of its world, as it runs now or has died, by what people call it."""
        return {process.name: process for process in [*self._sandbox.processes, *self._crew.values()]}

    def check(self) -> None:
        """Raise CommandFailedError if any process of the shop or of its world has died."""
        with told():
            for process in self.processes.values():
                process.check()

    def restart_what_died(self) -> Iterator[str]:
        """Start the API and the workers again if they died, with sentences about it; the world has to live."""
        with told():
            self._sandbox.check()
            for role, process in list(self._crew.items()):
                try:
                    process.check()
                except ProcessError as death:
                    yield f"{role.name} {death.reason}; see {process.log}."
                    process.kill()
                    process.start_again()
                    process.wait_for_line(role.ready, READY_SECONDS)
                    yield f"{role.name} is back."

    @property
    def _port_file(self) -> Path:
        return self.data_dir / "port.json"

    def _bound_listener(self) -> socket:
        """The API's own socket: it is open before the API is, and stays open while the API is started again."""
        try:
            return listening_socket(kept(self._port_file, int))
        except OSError:
            return listening_socket()  # somebody took the port meanwhile

    def _start(self, role: _Role) -> None:
        argv: list[str | Path] = [sys.executable, "-m", "entrypoints.cli", role.command]
        fds = []
        if role is _API:
            fds = [self._listener.fileno()]
            argv += ["--fd", str(fds[0])]
        log = self.data_dir / "logs" / role.log
        self._crew[role] = Process.start(role.name, argv, log=log, env=self.environment, pass_fds=fds)

    def _dismiss(self) -> None:
        """End the API and the workers, all at once: each takes a second to let go of what it has in hand."""
        with ThreadPoolExecutor() as enders:
            for process in self._crew.values():
                enders.submit(process.stop)


@contextmanager
def told() -> Iterator[None]:
    """Turn what the sandbox complains about into a sentence for whoever started the command."""
    try:
        yield
    except ProcessError as error:
        tail = "".join(f"\n    {line}" for line in error.tail)
        raise CommandFailedError(
            f"{error.name} {error.reason}; the end of its log:{tail or ' empty'}"
        ) from error
    except DataFolderError as error:
        raise CommandFailedError(str(error)) from error


def _without_settings() -> dict[str, str]:
    """Our environment, without anything that would reach past the sandbox to real providers."""
    names = {name.upper() for name in Settings.model_fields}
    return {name: value for name, value in os.environ.items() if name.upper() not in names}
