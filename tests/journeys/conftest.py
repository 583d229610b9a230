"""One whole shop for all journeys: servers, twins, API and worker processes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from minio import Minio

from sandbox.demo.local_shop import LocalShop
from tests.entrypoints.support.shell import Answer, Shell
from tests.journeys.running_shop import RunningShop
from tests.journeys.terminal_users import Start, Visitor

#: A lease this short lets a journey see what happens after its expiry without a long wait.
PACE = {
    "LEASE_SECONDS": "1.5",
    "RESEND_AFTER_SECONDS": "1",
    "EMAIL_CONFIRMATION_SECONDS": "5",
    "EMAIL_RETRY_DELAY_MS": "200",
}

#: It processes only results that are smaller than their originals, which the twin returns where a journey
#: requests one.
ENLARGING = {"REPLICATE_ENLARGE_MODEL": "nightmareai/real-esrgan"}

#: Each process serves its metrics on a free port, which its log names.
METERED = {"METRICS_PORT": "0"}


@pytest.fixture(scope="session")
def local_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalShop]:
    with LocalShop(tmp_path_factory.mktemp("journeys") / "shop", PACE | ENLARGING | METERED) as shop:
        yield shop


@pytest.fixture
def running_shop(local_shop: LocalShop) -> Iterator[RunningShop]:
    with RunningShop(local_shop) as running_shop:
        yield running_shop


@pytest.fixture
def storage(running_shop: RunningShop) -> Minio:
    shop = running_shop.shop.environment
    return Minio(
        shop["S3_ENDPOINT"].removeprefix("http://"),
        shop["S3_ACCESS_KEY"],
        shop["S3_SECRET_KEY"],
        secure=False,
        region=shop["S3_REGION"],
    )


@pytest.fixture(scope="session")
def photo() -> Path:
    """A small picture, so that restoring it takes hardly any time."""
    return Path(__file__).parent / "harvest-1926.jpg"


@pytest.fixture
def reconcile(
    running_shop: RunningShop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """The command, without a grace period for recent objects."""
    for name, value in {**running_shop.shop.environment, "RECONCILE_GRACE_SECONDS": "0"}.items():
        monkeypatch.setenv(name, value)
    shell = Shell(capsys)
    return lambda *options: shell("reconcile", "--since", "1h", *options)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start commands, which end with the test."""
    with ExitStack() as stack:
        yield lambda *words, **options: stack.enter_context(Visitor(tmp_path, *words, **options))
