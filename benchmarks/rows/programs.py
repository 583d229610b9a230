"""Whole programs: the command line and the simulation."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, ClassVar

from benchmarks.goals import fact, value
from benchmarks.measure import Direction, Row, Sample
from benchmarks.synthetic import fill


class Command(Row):
    """A command, several times in a row."""

    unit = "ms"
    direction = Direction.LOWER
    arguments: ClassVar[tuple[str, ...]]
    bare: ClassVar[str]

    def open(self, resources: ExitStack) -> None:  # noqa: ARG002 -- nothing is left open
        """Fill a database, and start both programs once."""
        url = self.servers.database()
        fill(url, self.size(200, 20))
        self._environment = {**os.environ, "DATABASE_URL": url}
        self._number = self.size(5, 1)
        self.ours()
        self.limit()

    def ours(self) -> Sample:
        """Run the command."""
        return self._timed(["-m", "entrypoints.cli", *self.arguments])

    def limit(self) -> Sample:
        """Run a program that does the least."""
        return self._timed(["-c", self.bare])

    def _timed(self, argv: list[str]) -> Sample:
        began = time.perf_counter()
        cpu_ms = 0.0
        for _ in range(self._number):
            _, used = run_python(argv, self._environment)
            cpu_ms += used * 1000
        seconds = time.perf_counter() - began
        return Sample(value=seconds * 1000 / self._number, cpu_ms={"command": cpu_ms / self._number})


class Help(Command):
    """The list of commands."""

    name = "help"
    work = "`restoreclick --help`"
    goals = (value("ms", at_most=200),)
    notes = "Limit: the start of Python itself. No peer."
    arguments = ("--help",)
    bare = "pass"


class ListOrders(Command):
    """The newest orders."""

    name = "orders-list"
    work = "`restoreclick orders list`"
    goals = (value("ms", at_most=400),)
    notes = "Limit: a Python that imports psycopg, connects and selects as many orders. No peer."
    arguments = ("orders", "list")
    bare = (
        "import os, psycopg; print(psycopg.connect(os.environ['DATABASE_URL'])"
        ".execute('SELECT * FROM orders ORDER BY number DESC LIMIT 20').fetchall())"
    )


SERVICES_ALONE = "orders/min, services alone"


class Simulation(Row):
    """Worlds of the simulation, one after the other in one process."""

    name = "simulation"
    work = "simulated orders a minute and core"
    unit = "orders/min"
    goals = (value("orders/min", at_least=1500), fact(SERVICES_ALONE, at_least=5000))
    notes = (
        "A minute is one of CPU in the process that runs the worlds, without its start. Distinct places are the "
        "kinds of faults that struck and of recoveries that followed. No limit and no peer: nothing else runs these "
        "worlds. Services alone: the same customers, whose requests call the use cases without HTTP."
    )
    rounds = 1

    def ours(self) -> Sample:
        """Run the same worlds in each run."""
        report, seconds = self._run()
        alone, _ = self._run("--services")
        orders_a_minute = float(report["orders_a_minute_and_core"])
        minutes = report["orders"] / orders_a_minute
        reached = [*report["faults"], *report["recoveries"]]
        return Sample(
            value=orders_a_minute,
            cpu_ms={"simulation": seconds * 1000 / report["orders"]},
            facts={
                "faults a CPU minute": sum(report["faults"].values()) / minutes,
                "distinct places a CPU minute": len(reached) / minutes,
                "distinct places": float(len(reached)),
                SERVICES_ALONE: float(alone["orders_a_minute_and_core"]),
            },
        )

    def _run(self, *options: str) -> tuple[dict[str, Any], float]:
        worlds = ("--first", "1", "--seeds", str(self.size(10, 1)), "--jobs", "1")
        output, seconds = run_python(["-m", "tests.simulation", *worlds, "--json", *options], os.environ)
        return json.loads(output), seconds


def run_python(argv: list[str], environment: Mapping[str, str]) -> tuple[str, float]:
    """Run Python; return its output and CPU seconds, children included."""
    before = _children_seconds()
    done = subprocess.run(  # noqa: S603 -- programs of ours
        [sys.executable, *argv], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout, _children_seconds() - before


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
