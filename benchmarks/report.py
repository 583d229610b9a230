"""The table, the JSON document, and the comparison with an earlier run."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import LIMIT, OURS, Figure, Goal, Row, times_as_good


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A row and what was measured; ``problem`` says why nothing was."""

    row: type[Row]
    figures: Mapping[str, Figure]
    problem: str | None = None


def as_json(measured: Sequence[Measured], machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run as a JSON document."""
    return {"machine": dict(machine), "rows": {each.row.name: _row_as_json(each) for each in measured}}


def _row_as_json(each: Measured) -> dict[str, Any]:
    return {
        "work": each.row.work,
        "unit": each.row.unit,
        "direction": each.row.direction.value,
        "figures": {name: asdict(figure) for name, figure in each.figures.items()},
        "times_as_good_as": {
            name: round(times_as_good(each.row, each.figures[OURS].value, figure.value), 3)
            for name, figure in each.figures.items()
            if name != OURS
        },
        "goals": [
            {"goal": goal.text, "measured": goal.measured(each.figures), "is_met": goal.is_met(each.figures)}
            for goal in (each.row.goals if OURS in each.figures else ())
        ],
        "notes": each.row.notes,
        "problem": each.problem,
    }


def machine(postgresql_version: str, *, quick: bool, filled: int) -> dict[str, Any]:
    """Return what the figures depend on."""
    argv = ["git", "describe", "--always", "--dirty"]
    git = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 -- of no input
    return {
        "commit": git.stdout.strip() or "unknown",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "postgresql": postgresql_version,
        "load_average_before": round(os.getloadavg()[0], 2),
        "orders_at_the_start": filled,
        "is_quick": quick,
    }


def show(
    measured: Sequence[Measured],
    facts: Mapping[str, Any],
    console: Console,
    earlier: Mapping[str, Any] | None = None,
) -> None:
    """Print the table, then what was not measured and why."""
    table = Table(title=_title(facts), title_justify="left", show_lines=True)
    for heading in ("work", "ours", "limit", "peers", "CPU ms an operation", "goals"):
        table.add_column(heading)
    if earlier is not None:
        table.add_column("against earlier run")
    for each in measured:
        cells = _cells(each)
        if earlier is not None:
            cells.append(_against(each, earlier))
        table.add_row(*cells)
    console.print(table)
    console.print(
        "Values are medians of interleaved rounds; x is how many times as good ours is, by value and "
        "by CPU time, which a busy machine changes less than rates. Of each row:"
    )
    for each in measured:
        if each.problem:
            console.print(f"  {each.row.name}: not measured: {each.problem}", markup=False, soft_wrap=True)
        if each.row.notes:
            console.print(f"  {each.row.name}: {each.row.notes}", markup=False, soft_wrap=True)


def _title(facts: Mapping[str, Any]) -> str:
    return (
        f"commit {facts['commit']}, {facts['cores']} cores, Python {facts['python']}, PostgreSQL "
        f"{facts['postgresql']}, load {facts['load_average_before']} before the run, "
        f"{facts['orders_at_the_start']:,} orders at the start"
        + (", quick: too few operations for figures to mean much" if facts["is_quick"] else "")
    )


def _cells(each: Measured) -> list[str]:
    ours = each.figures.get(OURS)
    if ours is None:
        return [each.row.work, "not measured", "", "", "", ""]
    others = {name: figure for name, figure in each.figures.items() if name != OURS}
    beside = {
        name: f"{_number(figure.value)} ({_ratios(each.row, ours, figure)})"
        for name, figure in others.items()
    }
    peers = [f"{name} {text}" for name, text in beside.items() if name != LIMIT]
    facts = [f"{name}: {_number(value)}" for name, value in ours.facts.items()]
    return [
        f"{each.row.name}: {each.row.work}",
        "\n".join([f"{_number(ours.value)} {each.row.unit}", *facts]),
        beside.get(LIMIT, "none"),
        "\n".join(peers) or "none",
        "\n".join(f"{name}: {_cpu(figure)}" for name, figure in each.figures.items() if figure.cpu_ms),
        "\n".join(_shown(goal, each.figures) for goal in each.row.goals),
    ]


def _against(each: Measured, earlier: Mapping[str, Any]) -> str:
    """Compare value, ratio to the limit, and CPU time with then."""
    then = earlier["rows"].get(each.row.name, {}).get("figures", {})
    if OURS not in then or OURS not in each.figures:
        return "not measured then" if OURS in each.figures else ""
    ours = each.figures[OURS]
    lines = [f"{times_as_good(each.row, ours.value, then[OURS]['value']):.2f} x as good"]
    if LIMIT in then and LIMIT in each.figures:
        now_ratio = times_as_good(each.row, ours.value, each.figures[LIMIT].value)
        then_ratio = times_as_good(each.row, then[OURS]["value"], then[LIMIT]["value"])
        lines.append(f"of the limit {then_ratio:.2g} -> {now_ratio:.2g}")
    before = sum(then[OURS]["cpu_ms"].values())
    if before:
        lines.append(f"CPU {_number(before)} -> {_number(ours.total_cpu_ms)} ms")
    return "\n".join(lines)


def _cpu(figure: Figure) -> str:
    return ", ".join(f"{name} {_number(ms)}" for name, ms in figure.cpu_ms.items())


def _ratios(row: type[Row], ours: Figure, other: Figure) -> str:
    """Return how many times as good ours is, by value and CPU."""
    by_value = f"{times_as_good(row, ours.value, other.value):.2g} x"
    is_enough = not ours.total_cpu_ms or not other.total_cpu_ms or "CPU" in row.unit
    return by_value if is_enough else f"{by_value}, CPU {other.total_cpu_ms / ours.total_cpu_ms:.2g} x"


def _shown(goal: Goal, figures: Mapping[str, Figure]) -> str:
    """Return the goal and whether it is met, with what was measured."""
    measured = goal.measured(figures)
    if measured is None:
        return f"?   {goal.text}: not measured"
    return f"{'yes' if goal.is_met(figures) else 'no '} {goal.text}: {_number(measured)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 -- three digits say enough
