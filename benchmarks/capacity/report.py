"""The table and the JSON document of a run."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.capacity.run import Outcome
from benchmarks.capacity.shop import PARTS

SECONDS_A_DAY = 86_400


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return everything that was measured."""
    sustained = outcome.sustained
    return {
        "plan": asdict(outcome.plan),
        "steps": [asdict(step) for step in outcome.steps],
        "knee": outcome.knee,
        "sustained_orders_per_second": sustained.rate if sustained else None,
        "rest_seconds": outcome.rest_seconds,
        "orders": outcome.orders,
        "log_bytes_per_order": outcome.log_bytes,
        "database_bytes_per_order": outcome.database_bytes,
        "broken": list(outcome.broken),
    }


def show(outcome: Outcome, console: Console) -> None:
    """Print the table, and what it says."""
    plan = outcome.plan
    table = Table(
        title=f"{plan.apis} APIs, {plan.workers} workers, {plan.photos} photo(s) an order",
        title_justify="left",
    )
    for name in ("orders/s", "paid", "completed", "open", "customer p50/p95 s", "order p50/p95 s"):
        table.add_column(name, justify="right")
    for part in (*PARTS, "client"):
        table.add_column(f"{part} ms", justify="right")
    table.add_column("")
    for step in outcome.steps:
        table.add_row(
            f"{step.rate:g}",
            str(step.paid),
            str(step.completed),
            f"{step.open_before} to {step.open_after}",
            f"{step.visit_p50_seconds:.2f} / {step.visit_p95_seconds:.2f}",
            f"{step.order_p50_seconds:.2f} / {step.order_p95_seconds:.2f}",
            *(f"{step.cpu_ms[part]:.1f}" if step.cpu_ms else "" for part in (*PARTS, "client")),
            f"killed: {', '.join(step.killed)}" if step.killed else step.exceeds(plan.slow_seconds),
        )
    console.print(table)
    console.print(
        "CPU milliseconds of each completed order, by part; twins and client are no part of a shop."
    )
    sustained = outcome.sustained
    if sustained is None:
        console.print("Even the first rate is more than this machine carries.")
    else:
        a_day = sustained.rate * SECONDS_A_DAY
        end = f"beyond that: {outcome.knee}" if outcome.knee else "no step was too much"
        console.print(f"It kept up with {sustained.rate:g} orders a second, {a_day:,.0f} a day; {end}.")
    console.print(
        f"{outcome.orders} orders; the last ended {outcome.rest_seconds:.1f} s after the last step; "
        f"{outcome.log_bytes / 1000:.1f} kB of log and {outcome.database_bytes / 1000:.1f} kB of database an order."
    )
    console.print("\n".join(outcome.broken) or "Every paid order has ended, and all laws hold.")
