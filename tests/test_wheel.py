"""A wheel: the shop with its built scripts, without the sandbox."""

from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.wheel import WheelBuilder

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
