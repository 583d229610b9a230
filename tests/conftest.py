"""Shared fixtures: each server starts once, when a test first needs it."""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from hypothesis import Phase, settings
from minio import Minio
from sqlalchemy import make_url
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from adapters.postgres.schema_upgrade import upgrade
from sandbox.processes import Supervisor
from sandbox.services import postgres_server, seaweedfs_server
from sandbox.services.seaweedfs_server import REGION, S3
from tests import pgbouncer
from tests.adapters.support.provider_accounts import (
    BUCKET,
    REPLICATE_API_TOKEN,
    REPLICATE_WEBHOOK_SECRET,
    SENDGRID_API_KEY,
    STRIPE_SECRET_KEY,
    STRIPE_WEBHOOK_SECRET,
)
from tests.databases import EmptiedDatabase, copy_of
from tests.sandbox.processes import TwinProcess, running_twin
from tests.sandbox.receiver import ReceivingServer, WebhookReceiver, receiving
from tests.shared_servers import ServerHost, ask

_HOST = pytest.StashKey[ServerHost]()

# A shell starts jobs in the background with SIGINT ignored, and the programs that tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

#: For `make mutants`, which runs the same tests many times: short, deterministic, and no smaller counterexample.
settings.register_profile(
    "mutants",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=30,
    phases=(Phase.explicit, Phase.generate),
)
#: What `make test` tries of each property; `make test-all` tries more.
settings.register_profile("quick", deadline=None, max_examples=20)
settings.register_profile("thorough", deadline=None, max_examples=200)

#: Journeys that open shops of their own.
_SHOPS_OF_THEIR_OWN = ("tests/journeys/test_demo", "tests/journeys/test_rolling_upgrade")


class OneShopScheduling(LoadFileScheduling):
    """Schedules tests with a shared setup together: a file, or all journeys.

    All journeys but those that open their own shop run on one worker, so that the laws checked last cover
    whatever any journey did to that shop.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        is_journey = file.startswith("tests/journeys/") and not file.startswith(_SHOPS_OF_THEIR_OWN)
        return "tests/journeys" if is_journey else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than cores, up to four: the journeys mostly wait."""
    return min(4, (os.cpu_count() or 1) + 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneShopScheduling:
    """Choose the scheduler of parallel tests."""
    return OneShopScheduling(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run choose another PostgreSQL than the wheel's newest."""
    parser.addoption(
        "--postgresql-programs",
        type=Path,
        metavar="FOLDER",
        help="the folder of another version's initdb and postgres, such as /usr/lib/postgresql/15/bin",
    )
    parser.addoption(
        "--pgbouncer", action="store_true", help="run the contracts of the database through PgBouncer"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Own the run's servers, unless this is an xdist worker."""
    if hasattr(config, "workerinput"):
        return
    supervisor, folder = Supervisor(), TemporaryDirectory(prefix="tests-")
    starts = {
        "s3": lambda: seaweedfs_server.start(supervisor, Path(folder.name)),
        "postgresql": lambda: _migrated_database(
            supervisor, Path(folder.name), config.getoption("--postgresql-programs")
        ),
    }
    config.stash[_HOST] = ServerHost(starts)

    def end() -> None:
        for process in supervisor.processes:
            process.kill()  # their data is no longer needed
        supervisor.close()
        folder.cleanup()

    config.add_cleanup(end)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the journeys first, and their laws after all of them.

    They take one worker longest.
    """

    def turn(item: pytest.Item) -> tuple[bool, bool]:
        is_journey = item.nodeid.startswith("tests/journeys/")
        return not is_journey, item.get_closest_marker("after_journeys") is not None

    items.sort(key=turn)


def pytest_collection_finish() -> None:
    """Leave modules and collected tests, which stay, out of every garbage collection."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Pass the address of the shared servers' host to a worker."""
    host = node.config.stash[_HOST]
    node.workerinput["server_host"] = (host.address, host.key)


def _shared(name: str, config: pytest.Config) -> Any:
    """One of the servers that all workers share."""
    worker_input = getattr(config, "workerinput", None)
    if worker_input is None:
        return config.stash[_HOST].server(name)
    address, key = worker_input["server_host"]
    return ask(address, key, name)


def _migrated_database(supervisor: Supervisor, data_dir: Path, programs: Path | None) -> str:
    url = postgres_server.start(supervisor, data_dir, programs)
    _write_without_waiting_for_the_disk(url)
    upgrade(url)
    return url


@pytest.fixture(scope="session")
def s3(pytestconfig: pytest.Config) -> S3:
    """The run's S3 server, with a bucket for each worker."""
    server: S3 = _shared("s3", pytestconfig)
    host = server.endpoint.removeprefix("http://")
    Minio(host, server.access_key, server.secret_key, secure=False, region=REGION).make_bucket(BUCKET)
    return server


@pytest.fixture(scope="session")
def receivers() -> Iterator[ReceivingServer]:
    with receiving() as server:
        yield server


@pytest.fixture
def receiver(receivers: ReceivingServer) -> WebhookReceiver:
    """The twins' webhook endpoint, a new one for each test."""
    return receivers.new_receiver()


@pytest.fixture(scope="session")
def stripe_process() -> Iterator[TwinProcess]:
    keys = ["--secret-key", STRIPE_SECRET_KEY, "--webhook-secret", STRIPE_WEBHOOK_SECRET]
    with running_twin("stripe", *keys) as twin:
        yield twin


@pytest.fixture
def stripe(stripe_process: TwinProcess, receiver: WebhookReceiver) -> Iterator[TwinProcess]:
    with stripe_process.on_loan(receiver.url):
        yield stripe_process


@pytest.fixture(scope="session")
def replicate_process() -> Iterator[TwinProcess]:
    keys = ["--api-token", REPLICATE_API_TOKEN, "--webhook-secret", REPLICATE_WEBHOOK_SECRET]
    with running_twin("replicate", *keys) as twin:
        yield twin


@pytest.fixture
def replicate(replicate_process: TwinProcess) -> Iterator[TwinProcess]:
    """A twin that gets its webhook URL with each prediction."""
    before = replicate_process.control("GET", "settings")
    yield replicate_process
    replicate_process.behave()
    replicate_process.turn(**before)


@pytest.fixture(scope="session")
def sendgrid_process() -> Iterator[TwinProcess]:
    with running_twin("sendgrid", "--api-key", SENDGRID_API_KEY) as twin:
        yield twin


@pytest.fixture
def sendgrid(sendgrid_process: TwinProcess, receiver: WebhookReceiver) -> Iterator[TwinProcess]:
    with sendgrid_process.on_loan(receiver.url):
        yield sendgrid_process


@pytest.fixture(scope="session")
def postgres_url(pytestconfig: pytest.Config) -> str:
    """A template database with the newest schema, on the run's PostgreSQL."""
    url: str = _shared("postgresql", pytestconfig)
    return url


@pytest.fixture(scope="session")
def new_database(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Create databases with the newest schema, as copies of a template."""
    with ExitStack() as copies:
        yield lambda: copies.enter_context(copy_of(postgres_url))


@pytest.fixture(scope="session")
def database_url(new_database: Callable[[], str]) -> str:
    """A database for tests that use separate ids."""
    return new_database()


@pytest.fixture(scope="session")
def pgbouncer_port(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a PgBouncer in front of every database."""
    with Supervisor() as supervisor:
        folder = tmp_path_factory.mktemp("pgbouncer")
        url = make_url(pgbouncer.start(supervisor, folder, postgres_url, pool_size=8))
        yield url.port or 0


@pytest.fixture(scope="session")
def emptied_database(postgres_url: str) -> Iterator[EmptiedDatabase]:
    with closing(EmptiedDatabase(postgres_url)) as database:
        yield database


@pytest.fixture
def own_database_url(emptied_database: EmptiedDatabase) -> Iterator[str]:
    """An empty database, for one test at a time."""
    with emptied_database.on_loan() as url:
        yield url


def _write_without_waiting_for_the_disk(database_url: str) -> None:
    """Speed up a server whose data need not survive a machine's crash."""
    server = make_url(database_url).set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
