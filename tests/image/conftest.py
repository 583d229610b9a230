"""The image's files, built once for all tests."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.dockerfile import Stage, build

ROOT = Path(__file__).parents[2]
#: Debian 13, on which the image's own base is built, with its Python 3.13.
SUITE = "trixie"
PACKAGES = "ca-certificates,python-is-python3,python3,python3-venv,python3-pip"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run keep the base, which takes minutes to make."""
    parser.addoption(
        "--image-base", type=Path, metavar="FOLDER", help="the base; made there if it is missing"
    )


@pytest.fixture(scope="session")
def image(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The image's files and its settings."""
    folder = tmp_path_factory.mktemp("image")
    base = pytestconfig.getoption("--image-base") or folder / "base"
    if not base.exists():
        options = ["--variant=minbase", f"--include={PACKAGES}"]
        subprocess.run(["debootstrap", *options, SUITE, base], check=True)  # noqa: S603, S607
    folder.chmod(0o755)  # the image's user runs in it
    yield build(ROOT / "Dockerfile", base, folder)
    subprocess.run(["rm", "-rf", folder], check=True)  # noqa: S603, S607
