"""The version in all places, and the form of the changelog."""

import re
import tomllib
from datetime import date
from itertools import pairwise
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
#: Keep a Changelog's heading of a released version.
_RELEASE = re.compile(r"## \[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d{2}-\d{2})")


def headings() -> list[str]:
    return re.findall(r"^## .*$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def releases() -> list[tuple[tuple[int, ...], date]]:
    matches = (_RELEASE.fullmatch(heading) for heading in headings())
    return [(tuple(map(int, each.groups()[:3])), date.fromisoformat(each[4])) for each in matches if each]


def version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    newest, _ = releases()[0]
    assert ".".join(map(str, newest)) == version()


def test_the_changelog_has_what_is_unreleased_and_then_versions_from_new_to_old() -> None:
    first, *others = headings()
    assert first == "## [Unreleased]"
    assert [heading for heading in others if not _RELEASE.fullmatch(heading)] == []
    assert all(newer > older for newer, older in pairwise(releases()))


def test_the_chart_installs_this_version() -> None:
    chart = yaml.safe_load((ROOT / "deploy/helm/restoreclick/Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (version(), version())
