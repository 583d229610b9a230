"""Measure a shop on real servers and instant twins.

``python -m benchmarks`` (or ``make benchmarks``) prints three figures and their unit:

    bare INSERT       one row of 400 bytes, committed, through psycopg: the unit of the others
    append            one event: load the order, decide, append, commit
    webhook           from posting Stripe's signed webhook event to its 200, with the order committed by then
    payment to mail   from pressing "Pay" to the result e-mail in the mailbox, one photo

Absolute figures depend on the machine; the ratios are comparable. The restorer's twin returns images unrestored, and
the other twins answer at once, so the shop alone is measured.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.shop import BenchmarkShop

WARM_UP = 20
ROUNDS = 300
ORDERS = 12


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="restoreclick-") as folder, BenchmarkShop(Path(folder)) as shop:
        # Inserts are measured before and after, because the speed of the machine may change meanwhile.
        before = timed(shop.bare_insert(), ROUNDS)
        append = timed(shop.append(), ROUNDS)
        webhook = timed(shop.webhook(WARM_UP + ROUNDS), ROUNDS)
        shop.start_worker()
        payment = timed(shop.payment_to_mail(ORDERS + 2), ORDERS, warm_up=2)
        after = timed(shop.bare_insert(), ROUNDS)
    unit = statistics.median(before + after)
    table = Table("figure", "median ms", "95 % ms", "rounds", "times a bare INSERT")
    for name, seconds in (
        ("bare INSERT", before + after),
        ("append", append),
        ("webhook to answer", webhook),
        ("payment to sent mail", payment),
    ):
        table.add_row(name, *_row(seconds, unit))
    Console(file=sys.stdout, width=100).print(table)


def timed(do: Callable[[], object], rounds: int, *, warm_up: int = WARM_UP) -> list[float]:
    """The seconds of each of ``rounds`` calls, after ``warm_up`` uncounted ones."""
    for _ in range(warm_up):
        do()
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        do()
        seconds.append(time.perf_counter() - began)
    return seconds


def _row(seconds: Iterable[float], unit: float) -> list[str]:
    ordered = sorted(seconds)
    median = statistics.median(ordered)
    slow = ordered[int(len(ordered) * 0.95)]
    return [f"{median * 1000:.2f}", f"{slow * 1000:.2f}", str(len(ordered)), f"{median / unit:.1f}"]


if __name__ == "__main__":
    main()
