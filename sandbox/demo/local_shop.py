"""The whole shop on one machine: sandbox, API and workers as processes."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket
from typing import Self

from sandbox.demo.errors import DemoError
from sandbox.demo.shop_command import RESTORECLICK
from sandbox.environment import Sandbox
from sandbox.persisted_values import DataFolderError, load_or_create, save
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

#: Generous: a busy machine needs half a minute to migrate, and a wait ends as soon as its process is ready.
READY_SECONDS = 120.0

#: Settings of a real shop stay behind: the processes here must not call its providers.
_INHERITED = frozenset(
    {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TERM",
        "TMPDIR",
        "VIRTUAL_ENV",
        "LD_LIBRARY_PATH",
    }
)
_LOCALE = ("LC_", "PYTHON")


@dataclass(frozen=True, kw_only=True)
class _Role:
    """A process of the shop; ``ready`` is how its ready line begins."""

    name: str
    command: str
    ready: str
    log: str


_API = _Role(name="The API", command="serve", ready='{"listening"', log="serve.log")
_WORKER = _Role(name="The worker", command="worker", ready='{"worker"', log="worker.log")


def _several(first: _Role, name: str, count: int) -> list[_Role]:
    """Return the first process of a kind, and further ones with numbers."""
    further = [
        replace(first, name=f"{name} {number}", log=f"{first.command}-{number}.log")
        for number in range(2, count + 1)
    ]
    return [first, *further][:count]


class LocalShop:
    """A shop that runs while the context lasts; its data stays.

    Args:
        data_dir: the folder that holds everything; made if needed.
        settings: settings of the shop that differ from those of a local one.
        workers: how many workers there are; none leave the work to calls of the API.
        apis: how many API processes share the socket.

    Attributes:
        data_dir: the folder that holds everything.
        url: where customers reach it.
        addresses: the providers' twins and the S3 server, by name.
        environment: the whole environment of its processes.
    """

    def __init__(
        self,
        data_dir: Path,
        settings: Mapping[str, str] | None = None,
        *,
        workers: int = 1,
        apis: int = 1,
        on_ready: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._on_ready = on_ready
        self.url = ""
        self.addresses: dict[str, str] = {}
        self.environment: dict[str, str] = {}
        self.data_dir = data_dir.resolve()
        self._settings = LOCAL | dict(settings or {})
        self._stack = ExitStack()
        self._roles = [*_several(_API, "API", apis), *_several(_WORKER, "Worker", workers)]
        self._crew: dict[_Role, Process] = {}

    def __enter__(self) -> Self:
        """Start everything.

        Raises DemoError, with nothing left running, if something does not come up.
        """
        with self._stack, sandbox_errors_explained():
            self._listener = self._stack.enter_context(self._bound_listener())
            self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
            self._sandbox = self._stack.enter_context(Sandbox(self.data_dir, self.url, self._on_ready))
            save(self._port_file, self._listener.getsockname()[1])
            self.addresses = self._sandbox.addresses
            self.environment = _inherited() | self._sandbox.environment | self._settings
            self._upgrade()
            self._on_ready("the schema")
            self._stack.callback(self._dismiss)
            for role in self._roles:
                self._start(role)
            for role, process in self._crew.items():
                process.wait_for_line(role.ready, READY_SECONDS)
                self._on_ready(role.name[0].lower() + role.name[1:])
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def worker(self) -> Process:
        """The worker that runs now, or has died."""
        return self._crew[_WORKER]

    @property
    def processes(self) -> dict[str, Process]:
        """Every process of shop and sandbox, alive or dead, by name."""
        return {process.name: process for process in [*self._sandbox.processes, *self._crew.values()]}

    def check(self) -> None:
        """Raise DemoError if a process of shop or sandbox has died."""
        with sandbox_errors_explained():
            for process in self.processes.values():
                process.check()

    def restart_what_died(self) -> Iterator[str]:
        """Restart dead API and worker processes; a sentence about each.

        Raises DemoError if a process of the sandbox has died.
        """
        with sandbox_errors_explained():
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
        """The API's socket, which stays open while the API restarts."""
        try:
            return listening_socket(load_or_create(self._port_file, int))
        except OSError:
            return listening_socket()  # another process took the port meanwhile

    def _upgrade(self) -> None:
        argv: list[str | Path] = [RESTORECLICK, "db", "upgrade"]
        log = self.data_dir / "logs" / "upgrade.log"
        # By PostgreSQL's own address, whatever is between it and the processes.
        env = self.environment | {"DATABASE_URL": self._sandbox.environment["DATABASE_URL"]}
        with Process.start("The upgrade of the schema", argv, log=log, env=env) as upgrading:
            upgrading.wait(READY_SECONDS)

    def _start(self, role: _Role) -> None:
        argv: list[str | Path] = [RESTORECLICK, role.command]
        fds = []
        if role.command == _API.command:
            fds = [self._listener.fileno()]
            argv += ["--fd", str(fds[0])]
        log = self.data_dir / "logs" / role.log
        self._crew[role] = Process.start(role.name, argv, log=log, env=self.environment, pass_fds=fds)

    def _dismiss(self) -> None:
        """Stop the API and the workers at once: each needs a second."""
        with ThreadPoolExecutor() as enders:
            for process in self._crew.values():
                enders.submit(process.stop)


@contextmanager
def sandbox_errors_explained() -> Iterator[None]:
    """Turn errors of the sandbox into a DemoError with one sentence."""
    try:
        yield
    except ProcessError as error:
        tail = "".join(f"\n    {line}" for line in error.tail)
        raise DemoError(f"{error.name} {error.reason}; the end of its log:{tail or ' empty'}") from error
    except DataFolderError as error:
        raise DemoError(str(error)) from error


def _inherited() -> dict[str, str]:
    """What any program needs of our environment, without settings of a shop."""
    return {
        name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith(_LOCALE)
    }
