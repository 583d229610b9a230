"""What a wheel must contain before it is built."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MANIFEST = "entrypoints/http/pages/assets/built/manifest.json"


class RequireScripts(BuildHookInterface[Any]):
    """Refuse a wheel without the scripts of the pages."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raise RuntimeError unless they are built; an editable install needs none."""
        del build_data
        if version != "editable" and not (Path(self.root) / MANIFEST).is_file():
            raise RuntimeError("The scripts of the pages are not built: run `make frontend` first.")
