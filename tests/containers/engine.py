"""A Docker engine: this machine's, or one of the tests' own."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.processes import Process

READY_SECONDS = 60.0
#: A build downloads packages.
COMMAND_SECONDS = 900.0


class Engine:
    """Runs Docker's command line.

    Attributes:
        environment: with which any client reaches the engine.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = {**os.environ, **environment}

    def run(
        self, *words: str | Path, timeout: float = COMMAND_SECONDS, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run ``docker`` with these words; the caller judges its end."""
        return subprocess.run(  # noqa: S603 -- our own words
            ["docker", *words],  # noqa: S607
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            **options,
        )

    def output(self, *words: str | Path, **options: Any) -> str:
        """Return what ``docker`` prints; raises AssertionError with its error if it fails."""
        ended = self.run(*words, **options)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout.strip()

    def is_ready(self) -> bool:
        """Whether the engine answers."""
        return self.run("info", "--format", "{{.ServerVersion}}").returncode == 0


@contextmanager
def running_engine(folder: Path) -> Iterator[Engine]:
    """Yield the machine's engine, or one that lives in the folder."""
    if (engine := Engine({})).is_ready():
        yield engine
        return
    socket = f"unix://{folder}/docker.sock"
    engine = Engine({"DOCKER_HOST": socket})
    argv = [
        *(
            str(shutil.which("dockerd")),
            "--host",
            socket,
            "--pidfile",
            str(folder / "docker.pid"),
            "--bridge",
            "none",
        ),
        *("--data-root", str(folder / "data"), "--exec-root", str(folder / "run")),
    ]
    try:
        with Process.start(
            "The Docker engine", argv, log=folder / "docker.log", env=engine.environment
        ) as own:
            own.wait_until(engine.is_ready, READY_SECONDS)
            yield engine
    finally:
        _unmount(folder)


def _unmount(folder: Path) -> None:
    """Unmount what the engine leaves, so that its folder can be deleted."""
    mounted = [Path(line.split()[1]) for line in Path("/proc/mounts").read_text().splitlines()]
    for path in sorted(mounted, reverse=True):
        if path.is_relative_to(folder):
            subprocess.run(["umount", path], check=True)  # noqa: S603, S607
