"""The systemd units: complete, acceptable to systemd, and hardened."""

import re
import shlex
import shutil
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import click
import pytest

from domain.order.states import State
from entrypoints.cli import cli
from sandbox.demo import local_shop
from sandbox.demo.shop_command import RESTORECLICK
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy/systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
PHOTO = ROOT / "tests/journeys/harvest-1926.jpg"
PROGRAM = "/opt/restoreclick/bin/restoreclick"
#: What every service refuses itself; `systemd-analyze` rates the whole.
HARDENING = {
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "RestrictNamespaces": "yes",
    "MemoryDenyWriteExecute": "yes",
}
#: On systemd's scale from 0, closed, to 10.
WORST_EXPOSURE = 1.5

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd is not installed (Debian: apt-get install systemd)",
)
each_service = pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)


def section(unit: Path, name: str) -> dict[str, str]:
    """Return a section of a unit; of repeated keys the last."""
    parser = RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text())
    return dict(parser[name])


def test_there_is_a_unit_for_every_process_and_a_timer_for_the_backup() -> None:
    assert {unit.name for unit in UNITS} == {
        "restoreclick-api@.service",
        "restoreclick-api@.socket",
        "restoreclick-backup.service",
        "restoreclick-backup.timer",
        "restoreclick-migrate.service",
        "restoreclick-worker@.service",
    }


@each_service
def test_each_service_runs_a_command_that_exists(unit: Path) -> None:
    program, *words = section(unit, "Service")["ExecStart"].split()
    assert program == PROGRAM
    found: click.Command = cli
    for word in words:
        if isinstance(found, click.Group):
            found = found.commands[word]


@each_service
def test_each_service_is_closed_and_bounded(unit: Path) -> None:
    service = section(unit, "Service")
    assert {name: service.get(name) for name in HARDENING} == HARDENING
    assert re.fullmatch(r"\d+G", service["MemoryMax"])
    assert int(service["TasksMax"]) <= 512
    assert service["EnvironmentFile"].lstrip("-").startswith("/etc/restoreclick/")
    assert [line for line in unit.read_text().splitlines() if line.startswith("Environment=")] == []


def test_a_stopped_process_has_the_time_it_takes() -> None:
    stop_seconds = {unit.name: section(unit, "Service").get("TimeoutStopSec") for unit in SERVICES}
    assert stop_seconds["restoreclick-api@.service"] == "15"
    assert stop_seconds["restoreclick-worker@.service"] == "60"


def test_each_api_process_has_a_socket_of_its_own_on_the_same_port() -> None:
    listener = section(ROOT / "deploy/systemd/restoreclick-api@.socket", "Socket")
    assert (listener["ListenStream"], listener["ReusePort"]) == ("127.0.0.1:8000", "yes")
    unit = section(ROOT / "deploy/systemd/restoreclick-api@.service", "Unit")
    assert unit["Requires"] == "restoreclick-api@%i.socket"


@needs_systemd
def test_systemd_accepts_every_unit(tmp_path: Path) -> None:
    program = tmp_path / "restoreclick"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copies = []
    for unit in UNITS:
        copy = tmp_path / unit.name.replace("@", "@1")
        copy.write_text(unit.read_text().replace(PROGRAM, str(program)))
        copies.append(str(copy))
    checked = _analyze("verify", "--man=no", "--recursive-errors=no", *copies)
    assert checked.returncode == 0, checked.stderr
    assert checked.stderr == ""


@needs_systemd
@each_service
def test_each_service_is_as_closed_as_the_document_says(unit: Path) -> None:
    rated = _analyze("security", "--offline=true", "--no-pager", str(unit)).stdout
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", rated)
    assert float(exposure) <= WORST_EXPOSURE
    assert f"exposure of {WORST_EXPOSURE} at most" in (ROOT / "docs/installation.md").read_text()


@pytest.mark.slow
@needs_systemd
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the filter is the Linux kernel's")
def test_an_order_is_restored_under_the_system_call_filter_of_the_units(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "restoreclick"
    launcher, unit = Path(__file__).with_name("closed_launcher.py"), SERVICES[0]
    command = shlex.join(map(str, [sys.executable, launcher, unit, RESTORECLICK]))
    closed.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    closed.chmod(0o755)
    monkeypatch.setattr(local_shop, "RESTORECLICK", closed)
    with local_shop.LocalShop(tmp_path / "data") as shop, RunningShop(shop) as running:
        status = Path(f"/proc/{shop.worker.pid}/status").read_text()
        assert re.search(r"^Seccomp:\s+2$", status, flags=re.MULTILINE)
        _, order_id = running.buy(PHOTO)
        eventually(
            lambda: running.order(order_id).state is State.COMPLETED, "the completed order", within_seconds=90
        )


def test_all_units_have_the_same_system_call_filter() -> None:
    filters = {
        tuple(line for line in unit.read_text().splitlines() if line.startswith("SystemCall"))
        for unit in SERVICES
    }
    assert len(filters) == 1


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own words
        ["systemd-analyze", *arguments],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )


@needs_systemd
def test_the_documented_rollback_starts_no_migration(tmp_path: Path) -> None:
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    for unit in UNITS:
        shutil.copy(unit, units)
    assert PROGRAM in migration_of(tmp_path)
    before, _, after = rollback_commands().partition("systemctl restart")
    in_the_folder(before, tmp_path)
    assert "/usr/bin/true" in migration_of(tmp_path)
    assert PROGRAM not in migration_of(tmp_path)
    in_the_folder(after.partition("\n")[2], tmp_path)
    assert PROGRAM in migration_of(tmp_path)


def rollback_commands() -> str:
    """The block of commands for systemd in docs/rollback.md."""
    page = (ROOT / "docs/rollback.md").read_text()
    block = re.search(r"^\*\*systemd\*\*.*\n\n((?: {4}.+\n)+)", page, flags=re.MULTILINE)
    assert block is not None
    return block[1]


def in_the_folder(commands: str, root: Path) -> None:
    """Run commands on a folder; those for running processes are left out."""
    for line in commands.splitlines():
        command = (
            line.strip().replace("/run/", f"{root}/run/").replace("systemctl ", f"systemctl --root={root} ")
        )
        if "daemon-reload" not in command and not command.startswith("ln "):
            subprocess.run(["/bin/sh", "-c", command], check=True)  # noqa: S603 -- our own page


def migration_of(root: Path) -> str:
    """What systemd says about the migration's program, which the folder lacks."""
    verified = subprocess.run(  # noqa: S603
        ["/usr/bin/systemd-analyze", "verify", "--man=no", f"--root={root}", "restoreclick-migrate.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    return verified.stderr
