"""The command line in a shell: completion, the manual, exit statuses, JSON."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from hatchling.builders.wheel import WheelBuilder

from entrypoints.cli import cli
from entrypoints.cli.manual import COMPLETION_VARIABLE, SHELLS, described, man_page
from entrypoints.exit_codes import MEANINGS, REPORTS, ExitCode
from tests.entrypoints.support.shell import Shell

ROOT = Path(__file__).parents[3]
PROGRAM = [sys.executable, "-m", "entrypoints.cli"]

#: Commands that print nothing for programs, and why.
WITHOUT_JSON = {
    "demo": "it shows an order to a person",
    "dev": "it runs until Ctrl-C, and writes the environment to a file",
    "serve": "it prints one JSON line when it is ready, and logs JSON",
    "worker": "it prints one JSON line when it is ready, and logs JSON",
    "backup wal push": "PostgreSQL calls it and reads its status",
    "backup wal fetch": "PostgreSQL calls it and reads its status",
    "setup": "it asks a person",
    "simulate": "it has options of its own",
    "completion": "a shell evaluates what it prints",
    "man": "it prints a man page",
}


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
            if not command.invoke_without_command:
                continue
        yield " ".join([*path, name]), command


COMMANDS = dict(commands(cli))


@pytest.mark.parametrize("words", COMMANDS)
def test_each_command_has_json_or_a_reason(words: str) -> None:
    has_json = any("--json" in option.opts for option in COMMANDS[words].params)
    assert has_json == (words not in WITHOUT_JSON)


def test_only_commands_that_exist_are_excused() -> None:
    assert set(WITHOUT_JSON) <= set(COMMANDS)


def completed(shell: str, line: str) -> set[str]:
    """What a shell's completion offers at the end of a line."""
    words = line.split(" ")
    environment = {
        **os.environ,
        COMPLETION_VARIABLE: f"{shell}_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
    }
    answer = subprocess.run(PROGRAM, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert answer.stderr == ""
    return set(re.split(r"[\n,\t]", answer.stdout))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_commands_and_options(shell: str) -> None:
    assert "reconcile" in completed(shell, "restoreclick rec")
    assert {"--fix", "--json"} <= completed(shell, "restoreclick doctor --")
    assert "refund" in completed(shell, "restoreclick orders ref")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = Shell(capsys)("completion", shell)
    assert answer.status == 0
    assert f"{COMPLETION_VARIABLE}={shell}_complete" in answer.out


def test_bash_accepts_its_script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(Shell(capsys)("completion", "bash").out)
    bash = shutil.which("bash")
    assert bash is not None
    loaded = subprocess.run(  # noqa: S603
        [bash, "-c", f". {script} && complete -p restoreclick"], capture_output=True, text=True, check=True
    )
    assert "-F _restoreclick_completion restoreclick" in loaded.stdout


def test_the_man_page_names_every_command_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    page = Shell(capsys)("man").out
    assert page == man_page(cli) == (ROOT / "entrypoints/cli/restoreclick.1").read_text()
    sections = re.findall(r"^\.SH (.+)$", page, re.MULTILINE)
    assert sections == [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "COMMANDS",
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
    ]
    for command in described(cli):
        assert f".SS {command.words}" in page
        for name, _ in command.parameters:
            assert name.split()[0].replace("-", "\\-") in page


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff to read it")
def test_groff_reads_the_man_page_without_a_warning() -> None:
    page = ROOT / "entrypoints/cli/restoreclick.1"
    read = subprocess.run(  # noqa: S603
        ["groff", "-man", "-ww", "-Tutf8", str(page)],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    assert read.stderr == ""
    assert "RESTORECLICK(1)" in read.stdout


def test_a_wheel_installs_the_man_page() -> None:
    shared = WheelBuilder(str(ROOT)).config.shared_data
    assert {Path(source).relative_to(ROOT).as_posix(): target for source, target in shared.items()} == {
        "entrypoints/cli/restoreclick.1": "share/man/man1/restoreclick.1"
    }


def test_every_exit_status_has_a_meaning_in_the_documents() -> None:
    page = (ROOT / "docs/commands.md").read_text()
    assert set(MEANINGS) == set(ExitCode)
    for code in ExitCode:
        assert f"| {code.value} | {MEANINGS[code]} |" in page
    for command in REPORTS:
        assert command in COMMANDS


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["completion", "bash"], ExitCode.DONE),
        (["--help"], ExitCode.DONE),
        (["orders", "show", "20260101-000001"], ExitCode.FAILED),
        (["orders", "hold", "ID"], ExitCode.MISUSE),
        (["no-such-command"], ExitCode.MISUSE),
        (["serve"], ExitCode.MISUSE),
    ],
)
def test_commands_end_with_their_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], status: ExitCode
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    for name in ("REDIS_URL", "S3_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert Shell(capsys)(*words).status == status


def test_no_command_has_a_status_of_its_own() -> None:
    """Statuses come from the enumeration, but for the reports'."""
    for file in (ROOT / "entrypoints/cli").rglob("*.py"):
        assert re.findall(r"sys\.exit\(\d+\)", file.read_text()) == [], file
