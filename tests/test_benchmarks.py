"""The benchmarks run, and their figures are what they claim to be."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from io import StringIO
from itertools import count
from typing import Any

import psutil
import pytest
from click.testing import CliRunner
from rich.console import Console

from adapters.metrics_prometheus.recorder import MetricsRecorder
from adapters.observed_calls import observed
from adapters.observers import Observers
from benchmarks import cpu as cpu_module
from benchmarks.__main__ import main
from benchmarks.cpu import CpuMeter, Used, seconds_of
from benchmarks.goals import cpu, fact, times
from benchmarks.instant_shop import InstantRestorer
from benchmarks.limits.bare_order import BareOrder
from benchmarks.measure import LIMIT, OURS, Direction, Figure, Row, Sample, measure, times_as_good
from benchmarks.no_op_shop import REACTIONS_AN_ORDER, no_op_handlers
from benchmarks.noted_calls import Metrics, NotingRecorder
from benchmarks.report import Measured, as_json, show
from benchmarks.rows import ROWS
from benchmarks.rows.log import ALL_CORES
from domain.order.reactions import pending_reactions
from domain.order.states import State
from entrypoints.http.request_metrics import report_request
from tests.doubles.container import InMemoryShop

#: Rows on PostgreSQL alone, which need few seconds; the others start a whole shop.
FAST = ("commit-1", "rebuild", "verify")


REFUSED_WEBHOOK: Any = {
    "method": "POST",
    "path_template": "/api/webhooks/stripe",
    "state": {"problem": "forged-message"},
}

MACHINE = {
    "commit": "abc",
    "cores": 2,
    "python": "3.11",
    "postgresql": "18.4",
    "load_average_before": 0.1,
    "orders_at_the_start": 0,
    "is_quick": False,
}


class CountingRow(Row):
    """Notes the order of its rounds."""

    name, work, unit = "counting", "counting", "1/s"

    def __init__(self) -> None:
        self.turns: list[str] = []

    def ours(self) -> Sample:
        return self._turn(OURS)

    def limit(self) -> Sample:
        return self._turn(LIMIT)

    def peers(self) -> Mapping[str, Callable[[], Sample]]:
        return {"peer": lambda: self._turn("peer")}

    def _turn(self, name: str) -> Sample:
        self.turns.append(name)
        return Sample(value=float(len(self.turns)), cpu_ms={"API": 2.0})


class SlowRow(CountingRow):
    direction = Direction.LOWER


def figure(value: float, **facts: float) -> Figure:
    return Figure(value=value, low=value, high=value, rounds=1, cpu_ms={"API": 2.0}, facts=facts)


def run(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(main, ["--quick", "--json", *arguments], catch_exceptions=False)
    found: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == 0, found
    return found


def test_fast_rows_run_quickly_and_measure_all_contestants() -> None:
    rows = run(*(f"--only={name}" for name in FAST))["rows"]
    assert list(rows) == list(FAST)
    for name, row in rows.items():
        figures = row["figures"]
        assert {OURS, LIMIT} <= figures.keys(), name
        assert all(each["value"] > 0 and each["cpu_ms"] for each in figures.values()), name
    assert "eventsourcing" in rows["commit-1"]["figures"]
    assert rows["verify"]["figures"][OURS]["facts"][ALL_CORES] > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [row.name for row in ROWS if row.name not in FAST])
def test_every_other_row_runs(name: str) -> None:
    row = run("--only", name)["rows"][name]
    assert row["figures"][OURS]["value"] > 0
    assert row["figures"].keys() > {OURS} or row["notes"], "a row says why there is nothing beside it"


def test_contestants_take_turns_and_each_begins_a_round() -> None:
    row = CountingRow()
    figures = measure(row, 3)
    assert row.turns == [OURS, LIMIT, "peer", LIMIT, "peer", OURS, "peer", OURS, LIMIT]
    assert figures[OURS].rounds == 3
    assert figures[OURS].value == 6  # the median of turns 1, 6 and 8
    assert (figures[OURS].low, figures[OURS].high) == (1, 8)


def test_a_ratio_above_one_is_better_in_either_direction() -> None:
    assert times_as_good(CountingRow, 30, 10) == 3
    assert times_as_good(SlowRow, 10, 30) == 3


def test_a_goal_about_what_was_not_measured_is_neither_met_nor_missed() -> None:
    figures = {OURS: figure(30, p99=40), LIMIT: figure(60)}
    assert times(LIMIT, 0.5).is_met(figures) is True
    assert times(LIMIT, 0.6).is_met(figures) is False
    assert times("dbos", 4).is_met(figures) is None
    assert cpu("API", 2).is_met(figures) is True
    assert cpu("worker", 2).is_met(figures) is None
    assert fact("p99", at_most=39).is_met(figures) is False


def test_cpu_time_of_children_that_ended_is_counted() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    parent = (
        "import subprocess, sys\n"
        "for line in sys.stdin:\n"
        f"    subprocess.run([sys.executable, '-c', {burn!r}])\n"
        "    print('done', flush=True)\n"
    )
    with subprocess.Popen(  # noqa: S603 -- the program above
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        meter = CpuMeter({"parent": [process.pid]})
        with meter.reading() as used:
            process.stdin.write("go\n")
            process.stdin.flush()
            process.stdout.readline()
        process.stdin.close()
    assert 0.25 <= used.seconds["parent"] < 3
    assert used.ms_per(2)["parent"] == pytest.approx(used.seconds["parent"] * 500)


def test_many_short_pieces_of_work_in_several_processes_are_counted() -> None:
    burn = (
        "import sys, time\n"
        "print(time.process_time(), flush=True)\n"
        "for line in sys.stdin:\n"
        "    end = time.process_time() + 0.006\n"
        "    while time.process_time() < end: pass\n"
        "    print(time.process_time(), flush=True)\n"
    )
    with ExitStack() as running:
        processes = [
            running.enter_context(
                subprocess.Popen(  # noqa: S603 -- the program above
                    [sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for _ in range(8)
        ]
        seconds = sum(float(answer_of(each)) for each in processes)
        meter = CpuMeter({"all": [each.pid for each in processes]})
        for _ in range(4):
            with meter.reading() as used:
                for each in processes:
                    send_line(each, "go")
                now = sum(float(answer_of(each)) for each in processes)
            # each takes less than a tick of the kernel, and some 50 µs to answer
            assert used.seconds["all"] == pytest.approx(now - seconds, rel=0.08)
            seconds = now
        for each in processes:
            close(each)


@pytest.mark.parametrize("moment", ["during the block", "during a reading"])
def test_a_process_that_ends_meanwhile_is_counted_once(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own clock has its time until its parent reaps it."""
    burn = "import time\nwhile time.process_time() < 0.2: pass\nprint('burnt', flush=True); input()"
    parent = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {burn!r}], stdin=subprocess.PIPE)\n"
        "for line in sys.stdin:\n"
        "    child.communicate(b'end')\n"
        "    print('reaped', flush=True)\n"
    )
    with subprocess.Popen(  # noqa: S603 -- the program above
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert answer_of(process) == "burnt\n"
        (child,) = psutil.Process(process.pid).children()
        before = seconds_of([process.pid])
        assert seconds_of([process.pid, child.pid]) == pytest.approx(before, abs=0.01)

        def reap() -> None:
            send_line(process, "go")
            assert answer_of(process) == "reaped\n"

        if moment == "during the block":
            reap()
        else:
            on_the_first_clock(monkeypatch, reap)
        after = seconds_of([process.pid])
        close(process)
    assert before - 0.03 <= after < before + 0.15


def on_the_first_clock(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None]) -> None:
    """Do something before the first clock is read, when ended children were."""
    real, calls = cpu_module.clock_of, count()

    def clock_of(pid: int) -> float:
        if next(calls) == 0:
            do()
        return real(pid)

    monkeypatch.setattr(cpu_module, "clock_of", clock_of)


def answer_of(process: subprocess.Popen[str]) -> str:
    """Return the next line."""
    assert process.stdout is not None
    return process.stdout.readline()


def send_line(process: subprocess.Popen[str], line: str) -> None:
    """Send a line."""
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def close(process: subprocess.Popen[str]) -> None:
    """Let a process end that reads until its input ends."""
    assert process.stdin is not None
    process.stdin.close()


def test_a_row_that_could_not_be_measured_says_why() -> None:
    document = as_json([Measured(row=CountingRow, figures={}, problem="dbos is not installed")], {})
    assert document["rows"]["counting"]["problem"] == "dbos is not installed"
    assert document["rows"]["counting"]["goals"] == []


def test_calls_of_the_metrics_that_are_repeated_count_what_an_order_counts() -> None:
    shop, noting, repeated = InMemoryShop(), NotingRecorder(), Metrics()
    counting = MetricsRecorder("1.2.3")
    storage = observed(shop.storage, "s3", [noting, counting])
    container = shop.with_ports(observer=Observers([noting, counting]), storage=storage)
    shop.reaction_runner = container.reaction_runner
    shop.payment_webhook = container.payment_webhook
    shop.prediction_webhook = container.prediction_webhook
    shop.live(shop.pay(shop.upload(b"great-aunt-1931")), hours=0.2)
    for each in (noting, counting):
        report_request(each, REFUSED_WEBHOOK, 400, 0.1)
    noting.repeat_on(repeated)
    found = counts_of(counting)
    assert {name.partition("{")[0] for name in found} > {
        "restoreclick_events_total",
        "restoreclick_webhooks_total",
        "restoreclick_provider_call_duration_seconds_count",
        "restoreclick_predictions_ended_total",
    }
    assert counts_of(repeated.recorder) == found


def test_reactions_that_do_nothing_complete_an_order_and_call_nothing() -> None:
    shop = InMemoryShop()
    session = shop.upload(b"great-aunt-1931")
    objects = set(shop.storage.objects)
    shop.reaction_runner.handlers = no_op_handlers()
    order_id = shop.pay(session)
    performed = 0
    while shop.queue.waiting:
        shop.perform(shop.queue.waiting.popleft())
        performed += 1
    order = shop.order(order_id)
    assert order.state is State.COMPLETED
    assert performed == REACTIONS_AN_ORDER
    assert not pending_reactions(order)
    assert not shop.restorer.works
    assert not shop.mailer.mailbox
    assert set(shop.storage.objects) == objects


def test_the_limit_of_an_order_confirms_it_beside_the_way_to_the_result() -> None:
    class Inserts:
        number = 0

        def insert(self) -> None:
            self.number += 1

    shop, inserts = InMemoryShop(), Inserts()
    counted: Any = inserts
    order = BareOrder(replace(shop.ports, restorer=InstantRestorer()), counted, b"picture", 3)
    order.store_upload()
    order.fulfil()
    assert len(shop.mailer.mailbox) == 1
    assert len(shop.storage.objects) == 4, "the upload, its copy, the result and the archive"
    order.confirm()
    assert len(shop.mailer.mailbox) == 2
    assert inserts.number == 3


def test_cpu_time_of_several_blocks_is_added_up() -> None:
    used = Used({"API": 1.0})
    used.add(Used({"API": 0.5, "worker": 2.0}))
    assert used.ms_per(10) == {"API": 150, "worker": 200}


def counts_of(recorder: MetricsRecorder) -> dict[str, float]:
    """How much of each kind a recorder counted."""
    return {
        f"{sample.name}{sample.labels}": sample.value
        for family in recorder.registry.collect()
        for sample in family.samples
        if sample.name.startswith("restoreclick_") and sample.name.endswith(("_total", "_count"))
    }


def test_an_earlier_run_is_compared_by_value_limit_and_cpu() -> None:
    then = Measured(row=CountingRow, figures={OURS: figure(10), LIMIT: figure(100)})
    now = Measured(row=CountingRow, figures={OURS: figure(30), LIMIT: figure(120)})
    console = Console(width=160, record=True, file=StringIO())
    show([now], MACHINE, console, as_json([then], MACHINE))
    shown = console.export_text()
    assert "3.00 x as good" in shown
    assert "of the limit 0.1 -> 0.25" in shown
    assert "CPU 2 -> 2 ms" in shown
