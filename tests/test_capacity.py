"""`make load`: open arrivals, the knee, kills, and the laws."""

import json
import time
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from benchmarks.capacity.__main__ import main
from benchmarks.capacity.arrivals import Arrivals
from benchmarks.capacity.shop import PARTS, part_of
from benchmarks.capacity.steps import Step, rates

SLOW_SECONDS = 2.0


class SlowVisitors:
    """Takes a while, and fails a given number of times."""

    def __init__(self, seconds: float = 0, failures: int = 0, status: int = 503) -> None:
        self.seconds = seconds
        self.failures = failures
        self.status = status

    def open_session(self) -> str:
        if self.failures:
            self.failures -= 1
            request = httpx2.Request("POST", "http://shop.example")
            httpx2.Response(self.status, request=request).raise_for_status()
        return "session"

    def upload(self, session: str, photo: bytes) -> None:
        pass

    def payment_page(self, session: str) -> str:  # noqa: ARG002 -- as in Visitors
        return "page"

    def pay(self, page: str) -> str:  # noqa: ARG002 -- likewise
        time.sleep(self.seconds)
        return "address"


def arrivals(visitors: SlowVisitors) -> Arrivals:
    anyone: Any = visitors
    return Arrivals(anyone, [b"photo"])


def step(**changes: Any) -> Step:
    fields: dict[str, Any] = {
        "rate": 4.0,
        "arrived": 80,
        "paid": 80,
        "completed": 80,
        "open_before": 4,
        "open_after": 8,
        "visit_p50_seconds": 0.2,
        "visit_p95_seconds": 0.9,
        "order_p50_seconds": 1.0,
        "order_p95_seconds": 2.0,
    }
    return Step(**fields | changes)


def test_customers_arrive_whether_or_not_others_are_served() -> None:
    began = time.monotonic()
    visits = arrivals(SlowVisitors(seconds=1.0)).at_rate(20, 0.5)
    assert len(visits.seconds) == 10
    assert time.monotonic() - began < 5, "one after the other they would take ten seconds"


def test_a_wait_counts_from_the_planned_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.capacity.arrivals.CUSTOMERS", 1)
    visits = arrivals(SlowVisitors(seconds=0.1)).at_rate(50, 0.1)
    assert len(visits.seconds) == 5
    assert max(visits.seconds) > 0.4, "the last one waited for four others"


def test_a_request_that_a_kill_cut_off_is_repeated() -> None:
    visits = arrivals(SlowVisitors(failures=1)).at_rate(10, 0.1)
    assert (len(visits.seconds), visits.repeated, visits.failures) == (1, 1, [])


def test_a_refusal_is_not_repeated() -> None:
    visits = arrivals(SlowVisitors(failures=1, status=409)).at_rate(10, 0.1)
    assert visits.seconds == []
    assert visits.repeated == 0
    assert "409" in visits.failures[0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"open_after": 30}, "26 orders more were open"),
        ({"arrived": 8, "open_after": 11}, ""),
        ({"visit_p95_seconds": 2.5}, "customers waited 2.5 s"),
        ({"visit_p95_seconds": 2.5, "killed": ("API 2",)}, ""),
    ],
)
def test_the_knee_is_a_growing_backlog_or_slow_answers(changes: dict[str, Any], reason: str) -> None:
    found = step(**changes).exceeds(SLOW_SECONDS)
    assert bool(found) == bool(reason)
    assert found.startswith(reason)


def test_each_step_has_half_as_many_again() -> None:
    assert rates(2, 4) == [2, 3, 4.5, 6.75]


def test_each_process_belongs_to_a_part() -> None:
    names = ["The API", "API 2", "The worker", "Worker 2", "PostgreSQL", "Valkey", "SeaweedFS"]
    assert {part_of(name) for name in names} == {*PARTS} - {"twins"}
    assert {part_of(f"The {twin} twin") for twin in ("stripe", "replicate", "sendgrid")} == {"twins"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_small_load_kills_two_processes_and_loses_no_order() -> None:
    options = [
        "--first-rate",
        "1",
        "--steps",
        "3",
        "--seconds",
        "6",
        "--width",
        "400",
        "--slow",
        "120",
        "--json",
    ]
    result = CliRunner().invoke(main, options, catch_exceptions=False)
    found = json.loads(result.stdout)
    assert found["broken"] == []
    assert result.exit_code == 0
    first, killed, last = found["steps"]
    assert killed["killed"] == ["API 2", "Worker 2"]
    assert killed["failures"] == []
    assert first["killed"] == last["killed"] == []
    assert set(PARTS) <= first["cpu_ms"].keys()
    assert found["orders"] >= first["paid"] + killed["paid"] + last["paid"] > 0
