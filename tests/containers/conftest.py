"""The engine and the images, built once for all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.engine import Engine, running_engine
from tests.containers.images import build_all


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run keep the base, which takes minutes to make."""
    parser.addoption(
        "--image-base", type=Path, metavar="FOLDER", help="the base; made there if it is missing"
    )


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A Docker engine that has the images."""
    folder = tmp_path_factory.mktemp("engine")
    with running_engine(folder) as found:
        base = pytestconfig.getoption("--image-base") or folder / "base"
        build_all(found, base, tmp_path_factory.mktemp("images"))
        yield found
