"""The units of `deploy/systemd`, run by systemd."""

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import pytest

from sandbox.environment import Sandbox
from sandbox.ports import HOST, listening_socket
from tests.containers.engine import Engine
from tests.containers.images import MACHINE
from tests.containers.photo_order import order_photo
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
READY_SECONDS = 120.0
UNITS = [
    "restoreclick-api@1.socket",
    "restoreclick-api@1",
    "restoreclick-worker@1",
]
#: What systemd does as the first process; the network of this machine, on whose loopback the sandbox listens.
ALLOWED = [
    *(f"--cap-add={name}" for name in ("SYS_ADMIN", "NET_ADMIN", "DAC_READ_SEARCH", "SYS_PTRACE")),
    *("--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined"),
    *("--network=host", "--tmpfs=/run", "--tmpfs=/run/lock", "--env=container=docker"),
]
#: systemd of Debian 13 takes the second version of control groups alone.
BOOT = "umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec /sbin/init"


class Machine:
    """A container that systemd runs."""

    def __init__(self, engine: Engine, container: str, sandbox: Sandbox, url: str) -> None:
        self._engine = engine
        self._container = container
        self.sandbox = sandbox
        self.url = url

    def run(self, *words: str, content: str | None = None) -> str:
        """Return what a command prints; raises AssertionError if it fails."""
        return self._engine.output("exec", "--interactive", self._container, *words, input=content)

    def write(self, path: str, content: str) -> None:
        """Write a file that only root may read."""
        self.run("sh", "-c", f"umask 077; mkdir -p $(dirname {path}); cat > {path}", content=content)

    def pid(self, unit: str) -> int:
        """Return the process of a unit, by its number on this machine."""
        inside = self.run("systemctl", "show", "--property=MainPID", "--value", unit)
        listed = self._engine.output("top", self._container, "-eo", "pid,args").splitlines()
        command = self.run("cat", f"/proc/{inside}/cmdline").replace("\0", " ").strip()
        return next(int(line.split()[0]) for line in listed if line.split(maxsplit=1)[1:] == [command])


def settings_inside(sandbox: Sandbox) -> tuple[dict[str, str], list[str]]:
    """Return settings with the folders as mounted, and the mounts."""
    database, broker = (urlsplit(sandbox.environment[name]) for name in ("DATABASE_URL", "REDIS_URL"))
    folders = {
        "/srv/database": Path(parse_qs(database.query)["host"][0]),
        "/srv/broker": Path(broker.path).parent,
    }
    settings = dict(sandbox.environment)
    for inside, folder in folders.items():
        # The units' users are numbers that these private sockets do not know.
        folder.chmod(0o755)
        for socket in folder.iterdir():
            socket.chmod(0o777)
        for name in ("DATABASE_URL", "REDIS_URL"):
            for quoted in (str, lambda path: quote(str(path), safe="")):
                settings[name] = settings[name].replace(quoted(folder), quoted(inside))
    return settings, [f"--volume={folder}:{inside}" for inside, folder in folders.items()]


@pytest.fixture(scope="module")
def machine(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The shop after the steps of docs/installation.md."""
    with listening_socket() as free:
        port = free.getsockname()[1]
    url = f"http://{HOST}:{port}"
    with Sandbox(tmp_path_factory.mktemp("world"), url) as sandbox:
        settings, mounts = settings_inside(sandbox)
        units = f"--volume={ROOT / 'deploy/systemd'}:/units:ro"
        words = ["run", "--detach", *ALLOWED, *mounts, units, "--entrypoint=sh", MACHINE, "-c", BOOT]
        container = engine.output(*words)
        try:
            made = Machine(engine, container, sandbox, url)
            install(made, settings, port)
            yield made
        finally:
            engine.output("rm", "--force", container)


def install(machine: Machine, settings: Mapping[str, str], port: int) -> None:
    """Take the documented steps."""
    running = ("sh", "-c", "systemctl is-system-running --wait || true")
    eventually(lambda: machine.run(*running) == "running", "systemd", within_seconds=READY_SECONDS)
    lines = [f"{name}='{value}'\n" for name, value in settings.items()]
    machine.write("/etc/restoreclick/environment", "".join(lines))
    machine.write("/etc/restoreclick/migration", f"DATABASE_URL='{settings['DATABASE_URL']}'\n")
    machine.write(
        "/etc/systemd/system/restoreclick-api@.socket.d/port.conf",
        f"[Socket]\nListenStream=\nListenStream={HOST}:{port}\n",
    )
    machine.run("sh", "-c", "cp /units/* /etc/systemd/system/ && systemctl daemon-reload")
    machine.run("systemctl", "enable", "--now", *UNITS)
    # systemd holds the port, so the request waits until the API answers.
    assert httpx2.get(f"{machine.url}/health/ready", timeout=READY_SECONDS).status_code == 200


def order(machine: Machine) -> None:
    """Buy a restored photo; the documented command lists the orders."""
    command = "set -a; . /etc/restoreclick/environment; set +a; /opt/restoreclick/bin/restoreclick orders list --json"
    order_photo(machine.url, machine.sandbox.addresses["sendgrid"], lambda: machine.run("sh", "-c", command))


def test_an_order_is_delivered_by_the_units(machine: Machine) -> None:
    order(machine)
    assert machine.run("systemctl", "--failed", "--quiet", "--no-legend") == ""


@pytest.mark.parametrize("unit", ["restoreclick-api@1", "restoreclick-worker@1"])
def test_a_killed_unit_comes_back_and_orders_go_on(machine: Machine, unit: str) -> None:
    before = machine.run("systemctl", "show", "--property=InvocationID", "--value", unit)
    os.kill(machine.pid(unit), signal.SIGKILL)
    eventually(
        lambda: (
            machine.run("systemctl", "show", "--property=InvocationID", "--value", unit) not in {before, ""}
        ),
        "the next start",
    )
    order(machine)


def test_no_request_is_lost_while_the_api_is_restarted(machine: Machine) -> None:
    machine.run("systemctl", "--no-block", "restart", "restoreclick-api@1")
    for _ in range(20):
        assert httpx2.get(f"{machine.url}/health/live", timeout=READY_SECONDS).status_code == 200


def test_a_second_process_shares_the_port(machine: Machine) -> None:
    machine.run("systemctl", "enable", "--now", "restoreclick-api@2.socket", "restoreclick-api@2")
    machine.run("systemctl", "stop", "restoreclick-api@1.socket", "restoreclick-api@1")
    assert httpx2.get(f"{machine.url}/health/ready", timeout=READY_SECONDS).status_code == 200
    machine.run("systemctl", "start", "restoreclick-api@1.socket", "restoreclick-api@1")
