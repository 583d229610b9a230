"""Run many worlds in parallel, one process per core.

Every twentieth world is run a second time, in another process, and has to give the same trace.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context

from tests.simulation.reporting import Report
from tests.simulation.world_run import VISITORS, Outcome, run

#: Every world whose seed is a multiple of this is run twice.
TWICE = 20


def campaign(
    seeds: Iterable[int],
    *,
    visitors: int = VISITORS,
    plant: str | None = None,
    jobs: int,
    without_http: bool = False,
    watch: Callable[[Outcome], None] = lambda _outcome: None,
) -> Report:
    """Run every seed and report; ``watch`` receives each outcome on completion."""
    report = Report()
    # Each spawned process has its own hash seed, so a trace that depends on hashing differs between the two
    # runs.
    with (
        ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn")) as pool,
        ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as other,
    ):
        firsts = [pool.submit(_run, seed, visitors, plant, without_http) for seed in seeds]
        for outcome in _as_they_come(firsts):
            report.take(outcome)
            watch(outcome)
            if outcome.seed % TWICE == 0:
                report.runs_twice += 1
                if (
                    other.submit(_run, outcome.seed, visitors, plant, without_http).result().digest
                    != outcome.digest
                ):
                    report.unlike.append(outcome.seed)
    return report


def _run(seed: int, visitors: int, plant: str | None, without_http: bool) -> Outcome:  # noqa: FBT001 -- submitted
    """Run one world; if it holds, drop its faults, to send less."""
    outcome = run(seed, visitors, plant=plant, without_http=without_http)
    return replace(outcome, struck=()) if outcome.holds else outcome


def _as_they_come(firsts: list[Future[Outcome]]) -> Iterator[Outcome]:
    for each in as_completed(firsts):
        yield each.result()
