"""The measured shop: its processes by part, its orders, and kills."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg

from benchmarks.cpu import CpuMeter
from benchmarks.visitors import wait_until
from sandbox.demo.errors import DemoError
from sandbox.demo.local_shop import LocalShop
from sandbox.processes import ProcessError

#: Between two looks for killed processes, which a service manager would restart as well.
LOOK_SECONDS = 0.2

#: That a process has died, and that it is back.
SENTENCES_OF_A_RESTART = 2

#: As in production: the waits of a local shop are shorter, and would cost CPU. No limit of an account holds it up.
SETTINGS = {
    "RESTORATION_POLL_SECONDS": "60",
    "RESEND_AFTER_SECONDS": "10",
    "SWEEP_INTERVAL_MS": "1000",
    "MAX_RUNNING_PREDICTIONS": "10000",
    "MAX_PREDICTIONS_PER_MINUTE": "1000000",
}

#: Where the CPU time is; "twins" are no part of a real shop.
PARTS = ("API", "worker", "PostgreSQL", "Valkey", "SeaweedFS", "twins")

_ENDED = "state IN ('completed', 'refunded', 'erased') OR hold_reason IS NOT NULL"


class MeasuredShop:
    """A local shop with several APIs and workers, restarted when killed."""

    def __init__(self, data_dir: Path, *, apis: int, workers: int) -> None:
        self.shop = LocalShop(data_dir, SETTINGS, apis=apis, workers=workers)
        self._stack = ExitStack()
        self._closing = threading.Event()
        #: A sentence about each death and each restart.
        self.restarts: list[str] = []
        #: Why the processes could not be restarted.
        self.defect = ""

    def __enter__(self) -> Self:
        with self._stack:
            self._stack.enter_context(self.shop)
            self._database = self._stack.enter_context(psycopg.connect(self.database_url, autocommit=True))
            keeper = threading.Thread(target=self._keep_alive, name="service manager", daemon=True)
            keeper.start()
            self._stack.callback(keeper.join)
            self._stack.callback(self._closing.set)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def database_url(self) -> str:
        """Where PostgreSQL is."""
        return self.shop.environment["DATABASE_URL"]

    def kill(self, name: str) -> None:
        """Kill a process at once; it is restarted."""
        self.shop.processes[name].kill()

    def wait_for_restarts(self, kills: int) -> None:
        """Wait until killed processes are back; raise AssertionError in vain."""
        sentences = SENTENCES_OF_A_RESTART * kills
        wait_until(lambda: bool(self.defect) or len(self.restarts) >= sentences, "killed processes are back")

    @contextmanager
    def cpu(self) -> Iterator[Mapping[str, float]]:
        """Measure a block; yield CPU seconds by part, filled afterwards."""
        meter = CpuMeter({part: self._pids(part) for part in PARTS}, with_client=True)
        with meter.reading() as used:
            yield used.seconds

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Query the shop's database."""
        return self._database.execute(sql.encode()).fetchall()

    def open_orders(self) -> int:
        """Return how many paid orders have not ended."""
        return int(self.ask(f"SELECT count(*) FROM orders WHERE NOT ({_ENDED})")[0][0])

    def paid_orders(self) -> int:
        """Return how many orders there are."""
        return int(self.ask("SELECT count(*) FROM orders")[0][0])

    def sizes(self) -> tuple[int, int]:
        """Return the bytes of the log and of the database."""
        ((log, database),) = self.ask(
            "SELECT pg_total_relation_size('events'), pg_database_size(current_database())"
        )
        return int(log), int(database)

    def _pids(self, part: str) -> list[int]:
        return [process.pid for name, process in self.shop.processes.items() if part_of(name) == part]

    def _keep_alive(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            try:
                self.restarts.extend(self.shop.restart_what_died())
            except (ProcessError, DemoError) as error:
                self.defect = str(error)
                return


def part_of(process_name: str) -> str:
    """Return the part that a process of the local shop belongs to."""
    for part in PARTS:
        if part.lower() in process_name.lower():
            return part
    return "twins"
