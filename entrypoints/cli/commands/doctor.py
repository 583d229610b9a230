"""The report of an examination, and the repairs that it offers."""

import os
import sys
from collections.abc import Collection, Sequence
from enum import IntEnum
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.text import Text

from entrypoints.bootstrap.diagnosis import open_diagnosis
from entrypoints.bootstrap.wording import counted
from entrypoints.cli.support import env_file
from entrypoints.cli.support.confirmation import NoTerminalError, ask
from entrypoints.cli.support.console import screen
from entrypoints.doctor.examination import Result, examine
from entrypoints.doctor.findings import Finding, Fix, Severity, error, warning
from entrypoints.settings import read_settings
from entrypoints.settings_errors import SettingsError


class Verdict(IntEnum):
    """The exit status of an examination."""

    HEALTHY = 0
    WARNINGS = 1
    ERRORS = 2


def examine_shop(env_path: Path, *, fixes: bool, is_agreed: bool, as_json: bool) -> Verdict:
    """Examine the shop of the settings, and print the report.

    Settings in the file apply where the environment has none. On request, what is missing at the providers is created;
    each repair asks first unless ``is_agreed``. Raises NoTerminalError if there is none to ask at.
    """
    _adopt(env_path)
    results = _examined()
    if fixes:
        repairs = [
            finding.fix for result in results for finding in result.findings if finding.fix is not None
        ]
        if repairs and not is_agreed and not sys.stdin.isatty():
            _show(results, as_json=as_json)
            raise NoTerminalError
        changed = [name for repair in repairs for name in _repair(repair, env_path, is_agreed=is_agreed)]
        if repairs:
            results = _examined()
        if changed:
            results = [*results, _to_adopt(changed, env_path)]
    _show(results, as_json=as_json)
    return _verdict(results)


def _show(results: Sequence[Result], *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(_document(results, _verdict(results))))
    else:
        _print(screen(), results)


def _adopt(env_path: Path) -> None:
    """Take settings from the file that the environment lacks."""
    for name, value in env_file.read(env_path).items():
        os.environ.setdefault(name, value)


def _examined() -> list[Result]:
    try:
        settings = read_settings()
    except SettingsError as problem:
        findings = [error("setting_wrong", sentence) for sentence in problem.problems]
        return [Result(subject="settings", findings=findings)]
    with open_diagnosis(settings) as diagnosis:
        return examine(diagnosis)


def _to_adopt(names: Sequence[str], env_path: Path) -> Result:
    """What is left to do about settings that a repair changed."""
    if env_path.exists():
        findings = [
            warning(
                "setting_changed", f"{name} in {env_path} is new: restart the API and the workers with it."
            )
            for name in names
        ]
    else:
        findings = [
            error(
                "setting_to_replace",
                f"{name} has to be replaced by the value above, wherever the API and the workers have it from: until"
                " then they use the old one. Then restart them.",
            )
            for name in names
        ]
    return Result(subject="repairs", findings=findings)


def _repair(repair: Fix, env_path: Path, *, is_agreed: bool) -> Collection[str]:
    """Make a repair; return the names of the settings that it changed."""
    if not is_agreed:
        ask(question=f"Shall I {repair.plan}?", undone=f"I did not {repair.plan}.")
    changes = repair.do()
    click.echo(repair.done, err=True)
    for name, value in changes.items():
        os.environ[name] = value
        if env_path.exists():
            env_file.update(env_path, {name: value})
            click.echo(f"{name} is in {env_path} now: restart the API and the workers.", err=True)
        else:
            click.echo(f"Set this, and restart the API and the workers:\n{name}={value}", err=True)
    return changes


def _verdict(results: Sequence[Result]) -> Verdict:
    severities = {finding.severity for result in results for finding in result.findings}
    if Severity.ERROR in severities:
        return Verdict.ERRORS
    return Verdict.WARNINGS if severities else Verdict.HEALTHY


def _document(results: Sequence[Result], verdict: Verdict) -> dict[str, object]:
    return {
        "is_healthy": verdict is Verdict.HEALTHY,
        "subjects": [result.subject for result in results],
        "findings": [
            {
                "subject": result.subject,
                "code": finding.code,
                "severity": finding.severity,
                "sentence": finding.sentence,
                "can_be_fixed": finding.fix is not None,
            }
            for result in results
            for finding in result.findings
        ],
    }


def _print(console: Console, results: Sequence[Result]) -> None:
    for result in results:
        state = Text("ok", style="green") if not result.findings else Text("")
        if result.unexamined_without:
            state = Text(f"not examined: see {', '.join(result.unexamined_without)}", style="yellow")
        console.print(Text.assemble((f"{result.subject:<12}", "bold"), state))
        for finding in result.findings:
            _print_finding(console, finding)
    found = sum(len(result.findings) for result in results)
    ending = "Nothing is wrong." if not found else f"{counted(found, 'finding')} to mend."
    console.print(f"\n{ending}")


def _print_finding(console: Console, finding: Finding) -> None:
    style = "red" if finding.severity is Severity.ERROR else "yellow"
    line = Text.assemble("  ", (f"{finding.severity:<8}", style), finding.sentence)
    console.print(line, soft_wrap=True)
