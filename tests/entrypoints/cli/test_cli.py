"""The command line itself: quick help, errors as sentences, exit statuses."""

import errno
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from entrypoints.database_setting import DESCRIPTION
from entrypoints.settings import Settings
from tests.entrypoints.support.shell import Shell

HEAVY = ("stripe", "sqlalchemy", "litestar", "dramatiq", "sandbox", "httpx2", "pydantic")

COMMANDS = [
    *(["demo"], ["dev"], ["serve"], ["worker"]),
    *(["db", "upgrade"], ["db", "downgrade"], ["db", "rebuild"]),
    *(["orders", "list"], ["orders", "show"], ["orders", "history"]),
    *(["events", "tail"], ["events", "verify"]),
]


BOOKISH = [["db", "upgrade"], ["db", "rebuild"], ["orders", "list"], ["events", "tail"], ["events", "verify"]]


@pytest.fixture
def restoreclick(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_help_loads_nothing_that_only_commands_need() -> None:
    script = "import sys; from entrypoints.cli import cli; cli(['--help'], standalone_mode=False); print(*sys.modules)"
    process = [sys.executable, "-c", script]
    printed = subprocess.run(process, capture_output=True, text=True, check=True).stdout  # noqa: S603
    loaded = printed.splitlines()[-1].split()
    assert "rich_click" in loaded
    assert not set(HEAVY) & set(loaded)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(restoreclick: Shell, command: list[str]) -> None:
    helped = restoreclick(*command, "--help")
    assert helped.status == 0
    assert "Usage:" in helped.out


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_production_process_names_every_missing_setting(restoreclick: Shell, command: str) -> None:
    refused = restoreclick(command)
    assert (refused.status, refused.out) == (2, "")
    assert "STRIPE_SECRET_KEY is missing: Stripe's API key" in refused.err
    assert "DATABASE_URL is missing" in refused.err


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("command", BOOKISH, ids=" ".join)
def test_log_commands_need_the_database_alone(restoreclick: Shell, command: list[str]) -> None:
    refused = restoreclick(*command)
    assert refused.status == 2
    assert refused.err.splitlines()[1:] == [f"  DATABASE_URL is missing: {DESCRIPTION}."]


@pytest.mark.parametrize("command", BOOKISH, ids=" ".join)
def test_an_unreachable_database_is_reported_in_a_sentence(
    restoreclick: Shell, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://postgres@/shop?host={tmp_path}")
    refused = restoreclick(*command)
    assert (refused.status, refused.err.count("\n")) == (1, 1)
    assert f'socket "{tmp_path}/.s.PGSQL.5432" failed: No such file or directory' in refused.err
    assert refused.err.endswith("check DATABASE_URL, and that PostgreSQL is running.\n")


@pytest.mark.parametrize("command", BOOKISH, ids=" ".join)
@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"path": "/elsewhere"}, 'database "elsewhere" does not exist'), ({"query": "shop=open"}, '"shop"')],
)
def test_an_unusable_database_is_reported_with_its_own_reason(
    restoreclick: Shell,
    command: list[str],
    changed: dict[str, str],
    reason: str,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", urlsplit(database_url)._replace(**changed).geturl())
    refused = restoreclick(*command)
    assert refused.status == 1
    assert reason in refused.err
    assert refused.err.count("\n") == 1


def test_photos_that_are_no_files_are_named_before_anything_starts(
    restoreclick: Shell, tmp_path: Path
) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    refused = restoreclick("demo", str(tmp_path / "lost.jpg"), str(tmp_path), str(pipe))
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.splitlines() == [
        "These are no photos that can be sent; nothing was started:",
        f"  {tmp_path}/lost.jpg: No such file or directory",
        f"  {tmp_path}: Is a directory",
        f"  {pipe}: it is no file",
    ]


def test_a_photo_that_one_may_not_read_is_named_likewise(
    restoreclick: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (locked := tmp_path / "aunt.jpg").touch(mode=0o000)
    may_read = Path.open

    def open_as_others_do(path: Path, *how: Any) -> Any:
        # Root may read everything, so the operating system's refusal is simulated.
        if path == locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return may_read(path, *how)

    monkeypatch.setattr(Path, "open", open_as_others_do)
    refused = restoreclick("demo", str(locked))
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.splitlines()[1:] == [f"  {locked}: Permission denied"]


def test_a_mistyped_command_ends_with_the_status_of_misuse(restoreclick: Shell) -> None:
    refused = restoreclick("orders", "lsit")
    assert refused.status == 2
    assert "lsit" in refused.err


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Shell(capsys)("--version")
    assert (answer.status, answer.out) == (0, f"restoreclick {metadata.version('restoreclick')}\n")


@pytest.mark.parametrize("command", ["demo", "dev"])
def test_without_the_source_the_sandbox_says_how_to_get_it(
    restoreclick: Shell, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    for module in [
        name for name in sys.modules if name.startswith(("sandbox.", "entrypoints.cli.commands.dev"))
    ]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "sandbox", None)
    refused = restoreclick(command)
    assert refused.status == 1
    assert f"`make {command}`" in " ".join(refused.err.split())
