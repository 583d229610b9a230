"""A wheel contains the scripts of the pages."""

from pathlib import Path
from typing import Any

import pytest

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
