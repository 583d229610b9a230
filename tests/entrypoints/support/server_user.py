"""Commands as the user that runs PostgreSQL, who is not root."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from sandbox.processes import Process, ProcessError

ROOT = Path(__file__).parents[3]
USER = "nobody" if os.geteuid() == 0 else ""
TIMEOUT_SECONDS = 100.0


class Output(NamedTuple):
    """How a command ended, and all that it printed."""

    status: int
    text: str

    @property
    def document(self) -> str:
        """The JSON document among what it printed."""
        (line,) = (line for line in self.text.splitlines() if line.startswith("{"))
        return line


def run(environment: Mapping[str, str], folder: Path, *words: str) -> Output:
    """Run `restoreclick`, in a folder."""
    argv = [sys.executable, "-m", "entrypoints.cli", *words]
    env = {**os.environ, **environment, "PYTHONPATH": str(ROOT)}
    log = folder / "command.log"
    with Process.start("restoreclick", argv, log=log, env=env, cwd=folder, user=USER) as process:
        try:
            process.wait(TIMEOUT_SECONDS)
        except ProcessError:
            if process.poll() is None:
                raise
        status = process.poll()
        assert status is not None
        return Output(status, process.output())
