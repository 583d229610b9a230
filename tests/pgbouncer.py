"""PgBouncer in transaction mode, in front of a test's PostgreSQL."""

import os
import shutil
import socket
from pathlib import Path

from sqlalchemy import make_url

from sandbox.ports import HOST, listening_socket
from sandbox.processes import Process, Supervisor
from sandbox.services.wheels import CLEAN_ENVIRONMENT

#: PgBouncer refuses to run as root; the user that the sandbox's PostgreSQL runs as may open its socket.
_USER_INSTEAD_OF_ROOT = "nobody"
_READY_SECONDS = 30.0

#: A server's session is checked each time, as tests end sessions.
_CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}

[pgbouncer]
listen_addr = {address}
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool_size}
server_check_delay = 0
server_check_query = SELECT 1
"""


def program() -> str | None:
    """Return PgBouncer's path; Debian installs it where only root looks."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def start(supervisor: Supervisor, folder: Path, database_url: str, *, pool_size: int) -> str:
    """Start PgBouncer; return the same database's URL through it."""
    server = make_url(database_url)
    with listening_socket() as free:
        port = free.getsockname()[1]
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        _CONFIGURATION.format(
            host=server.query["host"],
            port=server.query["port"],
            user=server.username,
            address=HOST,
            listen_port=port,
            pool_size=pool_size,
        )
    )
    process = Process.start(
        "PgBouncer",
        [program() or "pgbouncer", configuration],
        log=folder / "pgbouncer.log",
        env=CLEAN_ENVIRONMENT,
        user=_USER_INSTEAD_OF_ROOT if os.geteuid() == 0 else "",
    )
    supervisor.watch(process)
    pooled = through(database_url, port)
    process.wait_until(lambda: _answers(port), _READY_SECONDS)
    return pooled


def through(database_url: str, port: int) -> str:
    """Return a database's URL through the PgBouncer on a port."""
    url = make_url(database_url)
    pooled = url.set(host=HOST, port=port, query={"pgbouncer": "true"})
    return pooled.render_as_string(hide_password=False)


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 5).close()
    except OSError:
        return False
    return True
