"""The ``restoreclick`` command, as the demo runs it."""

import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from sandbox.demo.errors import DemoError

#: The console script that is installed beside this Python.
RESTORECLICK = Path(sysconfig.get_path("scripts")) / "restoreclick"


def show(environment: Mapping[str, str], *words: str) -> bool:
    """Run a command on our own output; whether it ended well."""
    sys.stdout.flush()
    return subprocess.run([RESTORECLICK, *words], env=environment, check=False).returncode == 0  # noqa: S603


def output_of(environment: Mapping[str, str], *words: str) -> str:
    """Run a command; its output. Raises DemoError if it fails."""
    done = subprocess.run(  # noqa: S603
        [RESTORECLICK, *words], env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise DemoError(f"restoreclick {' '.join(words)} failed with status {done.returncode}.")
    return done.stdout
