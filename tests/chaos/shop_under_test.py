"""The shop under test, with two workers, and ways to disturb it."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any, Self

import httpx2
import psycopg
import redis
from psycopg.rows import DictRow, dict_row

from sandbox.demo.local_shop import LocalShop
from sandbox.processes import Process
from tests.chaos.journal import keep_journal
from tests.waiting import eventually

#: Leases and waits so short that their effects show within seconds. The restorer's twin only copies, and the
#: shop's limits are wide: on two cores the orders alone are load enough.
PACE = {
    "LEASE_SECONDS": "2",
    "RESEND_AFTER_SECONDS": "1",
    "SWEEP_INTERVAL_MS": "500",
    "EMAIL_CONFIRMATION_SECONDS": "5",
    "EMAIL_RETRY_DELAY_MS": "500",
    "MAX_PREDICTIONS_PER_MINUTE": "6000",
    "MAX_RUNNING_PREDICTIONS": "200",
}
TWINS = ("stripe", "replicate", "sendgrid")
#: Stripe's endpoint subscribes to exactly the events that docs/operations.md asks for.
TWIN_SETTINGS: dict[str, dict[str, object]] = {
    "replicate": {"engine": "copy", "creates_per_minute": None},
    "stripe": {"enabled_events": ["checkout.session.*", "refund.*", "charge.dispute.*"]},
}
READY_SECONDS = 60.0

#: The log line of each of our processes that shows it is ready.
_READY_LINES = {"The API": '{"listening"', "The worker": '{"worker"', "Worker 2": '{"worker"'}


class ShopUnderTest:
    """A shop that is open for the duration of the context."""

    def __init__(self, data_dir: Path, planted: dict[str, str]) -> None:
        self.data_dir = data_dir.resolve()
        self.shop = LocalShop(self.data_dir, PACE | planted, workers=2)
        #: Set when the run is interrupted.
        self.ending = Event()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            self._stack.enter_context(self.shop)
            keep_journal(self.shop.environment["DATABASE_URL"])
            once = httpx2.Limits(max_keepalive_connections=0)  # a twin may close idle connections
            client = httpx2.Client(timeout=10, trust_env=False, limits=once)
            self._http = self._stack.enter_context(client)
            for twin, settings in TWIN_SETTINGS.items():
                self._http.put(self._control(twin, "settings"), json=settings).raise_for_status()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def process(self, name: str) -> Process:
        """A process by its display name."""
        return self.shop.processes[name]

    def send_signal(self, name: str, number: int) -> None:
        """Send a signal to one process."""
        os.kill(self.process(name).pid, number)

    def is_stopped(self, name: str) -> bool:
        """Whether the kernel has stopped a process, as after SIGSTOP."""
        status = Path(f"/proc/{self.process(name).pid}/stat").read_text(encoding="ascii", errors="replace")
        return status.rpartition(")")[2].split()[0] == "T"

    def wait_until_ready(self, name: str) -> None:
        """Wait until a restarted process is ready."""
        if line := _READY_LINES.get(name):
            self.process(name).wait_for_line(line, READY_SECONDS)
        else:
            looks = {"PostgreSQL": self._database_answers, "Valkey": self._valkey_answers}
            look = looks.get(name, self._storage_answers)
            eventually(look, f"{name}'s answer", within_seconds=READY_SECONDS, every_seconds=0.05)

    def ask(self, sql: str, parameters: Sequence[object] = ()) -> list[DictRow]:
        """Query the database on a separate connection: others may have been cut."""
        url = self.shop.environment["DATABASE_URL"]
        with psycopg.connect(url, autocommit=True, row_factory=dict_row, connect_timeout=5) as connection:
            found = connection.execute(sql, parameters)
            return list(found)

    def asked(self, sql: str, parameters: Sequence[object] = ()) -> list[DictRow]:
        """Query the database; return nothing while it is unavailable."""
        try:
            return self.ask(sql, parameters)
        except psycopg.OperationalError:
            return []

    def valkey(self) -> redis.Redis:
        """A client of Valkey, which the caller has to close."""
        return redis.Redis.from_url(self.shop.environment["REDIS_URL"], socket_timeout=5)

    def arm(self, twin: str, rule: dict[str, Any]) -> str:
        """Add a fault rule to a twin; return the rule's id."""
        armed = self._http.post(self._control(twin, "faults"), json=rule).raise_for_status().json()
        return str(armed["id"])

    def strikes(self, twin: str, rule_id: str) -> int:
        """How often a rule of a twin has struck."""
        rules = self._http.get(self._control(twin, "faults")).raise_for_status().json()
        return sum(int(rule["fired"]) for rule in rules if rule["id"] == rule_id)

    def lift(self, twin: str, rule_id: str) -> None:
        """Remove one fault rule of a twin."""
        self._http.delete(self._control(twin, f"faults/{rule_id}")).raise_for_status()

    def behave(self) -> None:
        """Remove the fault rules of all twins."""
        for twin in TWINS:
            self._http.delete(self._control(twin, "faults")).raise_for_status()

    def _control(self, twin: str, path: str) -> str:
        return f"{self.shop.addresses[twin]}/_twin/{path}"

    def _database_answers(self) -> bool:
        return bool(self.asked("SELECT 1"))

    def _valkey_answers(self) -> bool:
        with self.valkey() as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def _storage_answers(self) -> bool:
        try:
            return self._http.get(f"{self.shop.addresses['s3']}/healthz", timeout=2).is_success
        except httpx2.TransportError:
            return False
