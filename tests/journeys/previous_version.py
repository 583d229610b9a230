"""Earlier versions of the shop, from the repository's history."""

import io
import re
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERSIONS = "migrations/versions"
_RELEASE = re.compile(r"release: (\d+\.\d+\.\d+)")


def unpack_neighbour(folder: Path) -> tuple[str, str]:
    """Unpack the newest commit with fewer migrations; return both newest revisions.

    The first revision is the unpacked one's, the second is ours. Fails where the history is incomplete, because
    then nothing would be tested; an archive without any history is skipped.
    """
    return unpack_earlier(folder, 1)


def unpack_earlier(folder: Path, migrations: int) -> tuple[str, str]:
    """Unpack the newest commit that lacks at least so many migrations."""
    if not (ROOT / ".git").exists():
        pytest.skip("There is no history here: an earlier version can be tried in a clone only.")
    ours = {path.name for path in (ROOT / VERSIONS).glob("[0-9]*.py")}
    for commit in _git("log", "--format=%H", "--", VERSIONS).split():
        theirs = {Path(name).name for name in _git("ls-tree", "--name-only", commit, f"{VERSIONS}/").split()}
        theirs = {name for name in theirs if name[:1].isdigit()}
        if theirs < ours and len(ours - theirs) >= migrations:
            _unpack(commit, folder)
            return max(theirs)[:4], max(ours)[:4]
    pytest.fail(
        "No commit with fewer migrations is in this clone: fetch the whole history (git fetch --unshallow)."
    )


def unpack_last_release(folder: Path) -> tuple[str, str]:
    """Unpack the newest release before this version; return both newest revisions.

    It is found by the subject of its commit, because a clone may lack tags.
    """
    if not (ROOT / ".git").exists():
        pytest.skip("There is no history here: an earlier version can be tried in a clone only.")
    present = _numbers(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])
    releases = {}
    for line in _git("log", "--format=%H %s").splitlines():
        commit, subject = line.split(" ", 1)
        if (found := _RELEASE.fullmatch(subject)) and _numbers(found[1]) < present:
            releases[_numbers(found[1])] = commit
    if not releases:
        pytest.fail("No earlier release is in this clone: fetch the whole history (git fetch --unshallow).")
    _unpack(releases[max(releases)], folder)
    theirs, ours = (
        max(path.name[:4] for path in (root / VERSIONS).glob("[0-9]*.py")) for root in (folder, ROOT)
    )
    return theirs, ours


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _unpack(commit: str, folder: Path) -> None:
    archive = subprocess.run(  # noqa: S603
        ["git", "archive", commit],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")


def _git(*words: str) -> str:
    asked = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603, S607
    return asked.stdout
