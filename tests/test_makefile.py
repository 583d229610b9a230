"""The targets of a newcomer refuse at once what cannot work."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make")


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *words], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607


def test_a_wrong_photo_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    answer = make("demo", "PHOTOS=no-such-aunt.jpg", f"VENV={tmp_path / 'venv'}")
    assert answer.returncode != 0
    assert "There is no photo no-such-aunt.jpg that can be read" in answer.stderr
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize("target", ["demo", "test"])
def test_an_old_python_is_refused_with_the_oldest_version_that_works(tmp_path: Path, target: str) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    answer = make(target, f"PYTHON={old}", f"VENV={tmp_path / 'venv'}")
    assert answer.returncode != 0
    assert f"Python 3.11 or later is needed, and {old} is Python 3.9.2" in answer.stderr
    assert not (tmp_path / "venv").exists()


def test_the_demo_installs_from_its_own_lock(tmp_path: Path) -> None:
    planned = make("--dry-run", "demo", f"VENV={tmp_path / 'venv'}").stdout
    assert "--require-hashes --requirement requirements-demo.lock" in planned
    assert "requirements.lock" not in planned
