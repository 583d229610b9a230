"""A PostgreSQL server on a scratch folder, reachable on this machine alone."""

import atexit
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from adapters.backups.programs import find_program, run_program, without_rows
from domain.ports.backups import BackupFailedError

#: How long a stop may take before the server is killed.
STOP_SECONDS = 30.0

_POLL_SECONDS = 0.1
_MESSAGE_CHARACTERS = 1000

#: Settings of the original that must not have an effect here: no archiving, no reachable address, no other machine's
#: limits (a hot standby needs at least the original's), no extensions, and no log elsewhere.
_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "archive_mode": "off",
    "hot_standby": "off",
    "ssl": "off",
    "shared_preload_libraries": "",
    "logging_collector": "off",
    "primary_conninfo": "",
    "synchronous_standby_names": "",
    "log_statement": "none",
    "log_min_error_statement": "panic",
}


def initialise(data_directory: Path, programs: Path | None, role: str) -> None:
    """Create a new cluster whose superuser is ``role``."""
    run_program(
        find_program("initdb", programs),
        *("--pgdata", data_directory, f"--username={role}", "--auth=trust", "--encoding=UTF8"),
        *("--locale=C.UTF-8", "--no-sync"),
    )


@contextmanager
def running(data_directory: Path, programs: Path | None, wait_seconds: float) -> Iterator[str]:
    """Run a server until the block ends; yield its socket's folder.

    It is yielded when the recovery has ended and connections are accepted. Raises BackupFailedError.
    """
    postgres, is_ready = find_program("postgres", programs), find_program("pg_isready", programs)
    with TemporaryDirectory(prefix="rc-") as sockets:  # a socket's path has a hundred characters at most
        folder = Path(sockets)
        hba = folder / "hba.conf"
        hba.write_text("local all all trust\n")
        (data_directory / "postgresql.conf").touch()  # Debian keeps it elsewhere
        settings = {**_SETTINGS, "unix_socket_directories": sockets, "hba_file": str(hba)}
        options = [each for name, value in settings.items() for each in ("-c", f"{name}={value}")]
        log = folder / "server.log"
        with log.open("wb") as messages:
            process = subprocess.Popen(  # noqa: S603
                [postgres, "-D", data_directory, *options],
                stdin=subprocess.DEVNULL,
                stdout=messages,
                stderr=messages,
                start_new_session=True,
            )
        # The thread of a drill is not unwound when its worker exits.
        stop = partial(_stop, process)
        atexit.register(stop)
        try:
            _wait(process, [str(is_ready), "--quiet", f"--host={sockets}", "--port=5432"], log, wait_seconds)
            yield sockets
        finally:
            atexit.unregister(stop)
            stop()


def create_database(sockets: str, programs: Path | None, role: str, name: str) -> None:
    """Create a database on a scratch server."""
    address = [f"--host={sockets}", "--port=5432", f"--username={role}"]
    run_program(find_program("createdb", programs), *address, name)


def address_of(sockets: str, role: str, database: str) -> str:
    """The URL of a database on a scratch server."""
    return f"postgresql://{quote(role, safe='')}@/{quote(database, safe='')}?host={quote(sockets, safe='')}&port=5432"


def _wait(process: subprocess.Popen[bytes], is_ready: list[str], log: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while subprocess.run(is_ready, check=False, stdout=subprocess.DEVNULL).returncode != 0:  # noqa: S603
        if process.poll() is not None or time.monotonic() > deadline:
            written = without_rows(log.read_text(errors="replace"))[-_MESSAGE_CHARACTERS:]
            raise BackupFailedError("postgres", written or "it wrote nothing")
        time.sleep(_POLL_SECONDS)


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)  # the fast shutdown
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
