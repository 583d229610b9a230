"""What a newcomer installs for `make demo`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sandbox import samples

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
#: MiB on the disk, as `du -sm` counts them.
LARGEST_ENVIRONMENT = 400
#: Of the make that runs the tests.
FOREIGN_SETTINGS = {
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
    "VIRTUAL_ENV",
}


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for everyone: PostgreSQL does not run as root."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_after_a_demo_its_environment_takes_less_than_400_mb(home: Path) -> None:
    folder = home / "environment"
    run("make", f"PYTHON={sys.executable}", f"VENV={folder}", folder / ".demo", cwd=ROOT)
    # It compiles what it imports, and would stop at a file that is missing.
    run(folder / "bin" / "restoreclick", "demo", samples.photos()[0], cwd=home)

    taken = sum(file.lstat().st_blocks * 512 for file in [folder, *folder.rglob("*")]) / 1024**2
    assert list((home / "restored").glob("*/*-restored.png"))
    assert taken < LARGEST_ENVIRONMENT


def run(*command: str | Path, cwd: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN_SETTINGS}
    done = subprocess.run(  # noqa: S603 -- our own words
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
