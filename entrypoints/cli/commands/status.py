"""The conditions that need someone, for a person or for cron."""

from collections.abc import Sequence

import click
import msgspec
from rich.text import Text

from domain.use_cases.monitoring.conditions import ActiveCondition, active_conditions
from domain.use_cases.monitoring.figures import Figures
from entrypoints.bootstrap.wording import advice_on, condition_text
from entrypoints.cli.support.console import screen

FINE, ATTENTION, URGENT = 0, 1, 2

_NAMES = {FINE: "fine", ATTENTION: "attention", URGENT: "urgent"}


def show_status(figures: Figures, *, as_json: bool) -> int:
    """Print the conditions that hold; return the exit status."""
    active = active_conditions(figures)
    status = _status_of(active)
    if as_json:
        click.echo(msgspec.json.encode(_document(figures, active, status)))
        return status
    console = screen()
    if not active:
        console.print("The shop is fine.")
    for each in active:
        style = "bold red" if each.is_urgent else "bold"
        prefix = "URGENT: " if each.is_urgent else ""
        console.print(Text(f"{prefix}{condition_text(each)}", style=style), soft_wrap=True)
        console.print(f"  {advice_on(each.code)}", markup=False, soft_wrap=True)
    for problem in filter(None, (figures.storage_problem, figures.queue_problem)):
        console.print(problem, markup=False, soft_wrap=True)
    if not figures.head_is_known:
        console.print("The storage's copy of the log's head was not checked.")
    return status


def show_unreadable(problem: str, *, as_json: bool) -> int:
    """Print why the figures cannot be read, which is urgent.

    Returns the exit status.
    """
    click.echo(msgspec.json.encode({"status": _NAMES[URGENT], "problem": problem}) if as_json else problem)
    return URGENT


def _status_of(active: Sequence[ActiveCondition]) -> int:
    if any(each.is_urgent for each in active):
        return URGENT
    return ATTENTION if active else FINE


def _document(figures: Figures, active: Sequence[ActiveCondition], status: int) -> dict[str, object]:
    return {
        "status": _NAMES[status],
        "at": figures.at,
        "conditions": [
            {
                "condition": each.code,
                "severity": each.condition.severity,
                "value": each.value,
                "threshold": each.condition.threshold,
                "unit": each.condition.unit,
                "text": condition_text(each),
                "advice": advice_on(each.code),
            }
            for each in active
        ],
        "waiting": figures.waiting,
        "attention": figures.attention,
        "log_position": figures.current.log_position,
        "storage_problem": figures.storage_problem,
        "queue_problem": figures.queue_problem,
        "log_head_is_known": figures.head_is_known,
        "schema": figures.current.schema,
    }
