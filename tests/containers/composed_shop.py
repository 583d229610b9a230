"""The shop of `compose.yaml`, run by an engine, with the twins outside."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from sandbox import twin_processes
from sandbox.ports import HOST, listening_socket
from sandbox.processes import Process, Supervisor
from tests.containers.engine import COMMAND_SECONDS, READY_SECONDS, Engine
from tests.containers.images import SERVERS, SHOP, SHOP_WITH_POSTGRESQL

ROOT = Path(__file__).parents[2]
FORWARD = Path(__file__).with_name("forward.py")
BASE_FILE = "compose.yaml"
BACKUP_FILE = "deploy/compose/backup.yaml"
_OUR_IMAGES = {"restoreclick": SHOP, "restoreclick-with-postgresql": SHOP_WITH_POSTGRESQL}
#: What the official images do by themselves.
_STARTS: Mapping[str, Mapping[str, Any]] = {
    "database": {"entrypoint": ["postgres-entrypoint.sh"], "command": ["postgres"]},
    "broker": {"entrypoint": ["valkey-entrypoint.sh"]},
    "proxy": {"command": ["caddy", "run", "--config", "/etc/caddy/Caddyfile"]},
    "prometheus": {"entrypoint": ["prometheus"], "user": "nobody"},
}


class ComposedShop:
    """Runs Compose on the project's files.

    Only images differ, the network to the outside, through which API and worker reach the twins, and the proxy's ports,
    which are not published.

    Attributes:
        url: where the API is published.
        outside: the name of the network to the outside.
        prometheus_url: where Prometheus is, with the profile `monitoring`.
        twins: the addresses of the twins by name.
    """

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        outside: str,
        settings: Mapping[str, str],
        twins: Mapping[str, str],
    ) -> None:
        self._engine = engine
        self._folder = folder
        self.outside = outside
        self.url = settings["PUBLIC_URL"]
        self.prometheus_url = f"http://{HOST}:{settings['PROMETHEUS_PORT']}"
        self.twins = twins
        self._command = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
        self._settings = settings
        self.configure()

    def configure(self, **changes: str) -> None:
        """Write the settings, with some changed; the next `up` applies them."""
        lines = [f"{name}='{value}'\n" for name, value in {**self._settings, **changes}.items()]
        (self._folder / ".env").write_text("".join(lines))

    def compose(self, *words: str, with_backups: bool = False) -> subprocess.CompletedProcess[str]:
        """Run Compose with these words; the caller judges its end."""
        files = [BASE_FILE, *([BACKUP_FILE] if with_backups else [])]
        options = [f"--project-name={self.outside}", *(f"--file={file}" for file in files)]
        return subprocess.run(  # noqa: S603 -- our own words
            [*self._command, *options, *words],
            cwd=self._folder,
            env=self._engine.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS,
        )

    def required(self, *words: str, with_backups: bool = False) -> str:
        """Return what Compose prints; raises AssertionError with its error if it fails."""
        ended = self.compose(*words, with_backups=with_backups)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of a service's container."""
        container = self.required("ps", "--quiet", service).strip()
        described: dict[str, Any] = json.loads(self._engine.output("inspect", container))[0]
        return described

    def is_healthy(self, service: str) -> bool:
        """Whether the service's own healthcheck says so."""
        return bool(self.inspect(service)["State"]["Health"]["Status"] == "healthy")

    def remove_volume(self, name: str) -> None:
        """Lose a volume, as with its disk."""
        self._engine.output("volume", "rm", f"{self.outside}_{name}")

    def run_in(self, service: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run words in a service's container."""
        return self.compose("exec", "-T", service, *words)


def write_files(folder: Path, network: str, forwarding: Sequence[str]) -> None:
    """Write the compose files with the images of the tests."""
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    shutil.copy(FORWARD, folder)
    for file in (BASE_FILE, BACKUP_FILE):
        composed = yaml.safe_load((ROOT / file).read_text())
        composed.pop("name", None)  # Debian's Compose 1.29 does not know it
        for service in composed["services"].values():
            service.pop("build", None)
            if "image" in service:
                service["image"] = _OUR_IMAGES.get(service["image"], SERVERS)
        if file == BASE_FILE:
            _adapt(composed, network, forwarding)
        (folder / file).write_text(yaml.safe_dump(composed))


def _adapt(composed: dict[str, Any], network: str, forwarding: Sequence[str]) -> None:
    """Let API and worker reach the twins, and stand-ins act as images."""
    services = composed["services"]
    for name, start in _STARTS.items():
        services[name].update(start)
    del services["proxy"]["ports"]
    composed["networks"]["outside"] = {"external": True, "name": network}
    for name in ("api", "worker"):
        script = f'python /{FORWARD.name} {shlex.join(forwarding)} & exec restoreclick "$$@"'
        services[name]["entrypoint"] = ["sh", "-c", script, "restoreclick"]
        services[name]["volumes"].append(f"./{FORWARD.name}:/{FORWARD.name}:ro")


@contextmanager
def composed_shop(engine: Engine, folder: Path) -> Iterator[ComposedShop]:
    """Yield a shop with settings and twins, not yet started.

    It is removed in the end, with its volumes.
    """
    network = f"restoreclick-{uuid4().hex[:8]}"
    engine.output("network", "create", network)
    try:
        with Supervisor() as supervisor:
            settings = _settings()
            twins = twin_processes.start(supervisor, folder, settings["PUBLIC_URL"], settings)
            urls = {name: each["url"] for name, each in twins.items()}
            ports = [url.rpartition(":")[2] for url in urls.values()]
            gateway = engine.output(
                "network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", network
            )
            argv = [sys.executable, str(FORWARD), gateway, HOST, *ports]
            forwarder = Process.start("The forwarder", argv, log=folder / "logs/forwarder.log")
            supervisor.watch(forwarder, timeout_seconds=1).wait_for_line("forwarding", READY_SECONDS)
            write_files(folder, network, [HOST, gateway, *ports])
            shop = ComposedShop(engine, folder, network, {**settings, **twin_processes.settings(twins)}, urls)
            try:
                yield shop
            finally:
                shop.compose("down", "--volumes", "--timeout", "10", with_backups=True)
    finally:
        engine.output("network", "rm", network)


def _settings() -> dict[str, str]:
    """Return what an operator chooses."""
    with listening_socket() as api, listening_socket() as prometheus:
        ports = [str(each.getsockname()[1]) for each in (api, prometheus)]
    return {
        **twin_processes.new_credentials(),
        "PUBLISH_PORT": ports[0],
        "PROMETHEUS_PORT": ports[1],
        "PUBLIC_URL": f"http://{HOST}:{ports[0]}",
        "SENDER_ADDRESS": "photos@shop.example",
        "OWNER_EMAIL": "owner@shop.example",
        "POSTGRES_PASSWORD": uuid4().hex,
        "S3_ACCESS_KEY": uuid4().hex,
        "S3_SECRET_KEY": uuid4().hex,
        "BACKUP_KEY": uuid4().hex * 2,
    }
