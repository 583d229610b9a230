"""The scripts of the pages as they are built."""

import gzip
import json
import re
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


def test_the_licence_of_each_bundled_library_ships() -> None:
    licences = (BUILT / "licences.txt").read_text()
    lock = json.loads((ROOT / "entrypoints" / "http" / "frontend" / "package-lock.json").read_text())
    for name in ("idb-keyval", "idiomorph", "js-base64", "tus-js-client", "url-parse"):
        version = lock["packages"][f"node_modules/{name}"]["version"]
        assert re.search(rf"^{name} {re.escape(version)} \(\S+\)$", licences, re.MULTILINE), name
    for words in ("Redistribution and use in source and binary forms", "Permission is hereby granted"):
        assert words in licences  # BSD and MIT ask for their text in copies
