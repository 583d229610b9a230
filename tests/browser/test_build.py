"""The scripts of the pages as they are built."""

import gzip
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "entrypoints" / "http" / "pages" / "assets" / "built"

#: A page's scripts, compressed; a phone on a slow line loads them in a second.
LIMIT_BYTES = 60_000


@pytest.mark.parametrize("script", ["upload.js", "order.js", "gallery.js"])
def test_the_scripts_of_a_page_are_small(script: str) -> None:
    built = BUILT / json.loads((BUILT / "manifest.json").read_text())[script]
    assert len(gzip.compress(built.read_bytes())) < LIMIT_BYTES


def test_the_lock_of_the_scripts_names_no_registry() -> None:
    lock = json.loads((ROOT / "entrypoints" / "http" / "frontend" / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
