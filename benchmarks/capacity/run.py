"""A run: rising rates, two kills, and the end of every order."""

import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.capacity.arrivals import Arrivals, Visits
from benchmarks.capacity.judgement import broken_promises
from benchmarks.capacity.shop import MeasuredShop
from benchmarks.capacity.steps import Step, rates
from benchmarks.measure import percentile
from benchmarks.visitors import Visitors, noisy_jpeg

#: The step in which an API and a worker are killed.
KILLS_AT = 1
WARM_UP_SECONDS = 5.0
#: How long the orders that are open at the end may take.
REST_SECONDS = 180.0
LOOK_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is tried.

    Attributes:
        apis: how many API processes.
        workers: how many workers.
        photos: photos of an order.
        width: of a photo in pixels, three quarters of which are its height.
        first_rate: orders a second of the first step.
        steps: how many steps at most.
        step_seconds: how long each lasts.
        slow_seconds: how long 95 % of the customers may take to pay.
    """

    apis: int = 2
    workers: int = 2
    photos: int = 1
    width: int = 2000
    first_rate: float = 1.0
    steps: int = 9
    step_seconds: float = 30.0
    slow_seconds: float = 5.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        steps: in the order of their rates.
        knee: why the last step is beyond the shop's capacity; empty if no step is.
        rest_seconds: how long the last orders took after the last step.
        orders: how many orders there are.
        broken: a sentence for each law that does not hold, and for each defect of the run.
        log_bytes: of the log with its indexes, for each order.
        database_bytes: of the whole database, for each order.
    """

    plan: Plan
    steps: Sequence[Step]
    knee: str
    rest_seconds: float
    orders: int
    broken: Sequence[str]
    log_bytes: float
    database_bytes: float

    @property
    def sustained(self) -> Step | None:
        """The last step that the shop kept up with, without kills."""
        kept_up = [
            step for step in self.steps if not step.killed and not step.exceeds(self.plan.slow_seconds)
        ]
        return kept_up[-1] if kept_up else None


def run(plan: Plan, folder: Path, *, on_step: Callable[[str], object]) -> Outcome:
    """Measure a shop in a new folder; ``on_step`` follows it."""
    with ExitStack() as resources:
        on_step("starting the shop")
        measured = resources.enter_context(MeasuredShop(folder, apis=plan.apis, workers=plan.workers))
        shop, empty = measured.shop, measured.sizes()
        visitors = Visitors(resources, shop.url, shop.addresses, measured.database_url)
        photos = [noisy_jpeg(plan.width + index, plan.width * 3 // 4) for index in range(plan.photos)]
        arrivals = Arrivals(visitors, photos)
        on_step("warming up")
        arrivals.at_rate(plan.first_rate, min(WARM_UP_SECONDS, plan.step_seconds))
        wait_for_rest(measured)
        steps: list[Step] = []
        knee = ""
        for number, rate in enumerate(rates(plan.first_rate, plan.steps)):
            on_step(f"{rate:g} orders a second")
            step = _step(measured, arrivals, plan, rate, kills=number == KILLS_AT)
            steps.append(step)
            knee = step.exceeds(plan.slow_seconds)
            if knee:
                break
        on_step("waiting for the last orders")
        began = time.monotonic()
        left = wait_for_rest(measured)
        rest_seconds = time.monotonic() - began
        broken = [f"{left} orders did not end within {REST_SECONDS:g} s."] if left else []
        broken += [measured.defect] if measured.defect else []
        on_step("checking the laws")
        broken += broken_promises(measured)
        orders = measured.paid_orders()
        log, database = (
            (after - before) / max(1, orders) for before, after in zip(empty, measured.sizes(), strict=True)
        )
    return Outcome(
        plan=plan,
        steps=steps,
        knee=knee,
        rest_seconds=rest_seconds,
        orders=orders,
        broken=broken,
        log_bytes=log,
        database_bytes=database,
    )


def wait_for_rest(measured: MeasuredShop) -> int:
    """Wait until every order has ended; return those left open."""
    deadline = time.monotonic() + REST_SECONDS
    while (left := measured.open_orders()) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    return left


def _step(measured: MeasuredShop, arrivals: Arrivals, plan: Plan, rate: float, *, kills: bool) -> Step:
    open_before, paid_before = measured.open_orders(), measured.paid_orders()
    (since,) = measured.ask("SELECT clock_timestamp()")[0]
    killed: list[str] = []
    if kills:
        killer = threading.Thread(target=_kill_in_turn, args=(measured, plan, killed))
        killer.start()
        visits = arrivals.at_rate(rate, plan.step_seconds)
        killer.join()
        measured.wait_for_restarts(len(killed))
        seconds: Mapping[str, float] = {}
    else:
        with measured.cpu() as seconds:
            visits = arrivals.at_rate(rate, plan.step_seconds)
    open_after = measured.open_orders()
    took = [
        float(each)
        for (each,) in measured.ask(
            f"SELECT extract(epoch FROM completed_at - paid_at) FROM orders WHERE completed_at >= '{since}'"
        )
    ]
    return Step(
        rate=rate,
        arrived=len(visits.seconds) + len(visits.failures),
        paid=measured.paid_orders() - paid_before,
        completed=len(took),
        open_before=open_before,
        open_after=open_after,
        **_latencies(visits, took),
        cpu_ms={}
        if killed or not took
        else {part: 1000 * used / len(took) for part, used in seconds.items()},
        killed=killed,
        repeated=visits.repeated,
        failures=visits.failures,
    )


def _latencies(visits: Visits, took: Sequence[float]) -> dict[str, float]:
    visit, order = visits.seconds or [0.0], took or [0.0]
    return {
        "visit_p50_seconds": statistics.median(visit),
        "visit_p95_seconds": percentile(visit, 0.95),
        "order_p50_seconds": statistics.median(order),
        "order_p95_seconds": percentile(order, 0.95),
    }


def _kill_in_turn(measured: MeasuredShop, plan: Plan, killed: list[str]) -> None:
    """Kill an API after a third, a worker after two thirds."""
    for name in (
        "The API" if plan.apis == 1 else f"API {plan.apis}",
        "The worker" if plan.workers == 1 else f"Worker {plan.workers}",
    ):
        time.sleep(plan.step_seconds / 3)
        measured.kill(name)
        killed.append(name)
