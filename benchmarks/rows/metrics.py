"""What metrics cost beside the work that they count."""

import asyncio
import os
import time
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import psycopg
from litestar import Litestar
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from benchmarks.goals import value
from benchmarks.instant_shop import FOLDER, PICTURE, open_instant_container
from benchmarks.measure import Direction, Row, Sample
from benchmarks.noted_calls import Metrics, NotingRecorder
from benchmarks.stripe_webhooks import quoted_sessions, signed_requests
from benchmarks.visitors import wait_until
from domain.signed_tokens import TokenSigner
from domain.use_cases.reaction_handlers import Queue, spec_of
from entrypoints.bootstrap.container import Container
from entrypoints.bootstrap.monitoring import Monitoring
from entrypoints.http import create_app
from entrypoints.settings import read_settings
from entrypoints.worker.actors import Performer
from entrypoints.worker.lease_renewal import LeaseRenewal

#: How often the noted calls of an order are repeated for each order that is lived.
REPEATS = 20
THREADS = 8


class MetricsShare(Row):
    """The calls of the metrics that an order makes, beside the order."""

    name = "metrics"
    work = "metrics, as a share of the CPU of an order: its webhook and all reactions"
    unit = "% CPU"
    direction = Direction.LOWER
    goals = (value("% CPU", at_most=2),)
    notes = (
        "Runs with and without metrics differ by less than two runs without. So an order is lived in this process with "
        "its calls of the metrics noted; then, in turns, orders are lived without metrics, and the noted calls are "
        "repeated alone, through what production has before the recorder. The share is of the process's own CPU, "
        "without PostgreSQL, pictures, providers, log lines and HTTP of Replicate's webhook: of a real order it is "
        "smaller. A scrape is no part of it: `export ms` is its CPU, without the figures of the database."
    )
    needs_shop = True

    def open(self, resources: ExitStack) -> None:
        """Note what an order's metrics are; start a shop without them."""
        url = self.servers.database()
        folder = self.servers.folder / "metrics"
        folder.mkdir(exist_ok=True)
        self.servers.empty_queue()
        self._database = resources.enter_context(psycopg.connect(url, autocommit=True))
        settings = {**self.servers.settings_of(url), FOLDER: str(folder)}
        resources.enter_context(patch.dict(os.environ, settings))
        resources.enter_context(capture_logs())
        self._secret = settings["STRIPE_WEBHOOK_SECRET"]
        self._token_signer = TokenSigner(settings["LINK_SIGNING_KEY"].encode())
        self._noted, self._metrics = NotingRecorder(), Metrics()
        self._noted_orders = self.size(4, 1)
        with self._shop(Monitoring(self._noted)) as noting:
            noting.live(self._requests(noting, 1))  # what only the first order does is not noted
            self._noted.calls.clear()
            noting.live(self._requests(noting, self._noted_orders))
        self._shop_without = resources.enter_context(self._shop(Monitoring()))
        self._orders = self.size(40, 2)
        self._meter = self.servers.meter()
        self._shop_without.live(self._requests(self._shop_without, self._noted_orders))
        self._noted.repeat_on(self._metrics)

    def ours(self) -> Sample:
        """Measure orders and the calls of their metrics, in turns."""
        turns = self._orders // self._noted_orders
        work = metrics = 0.0
        with self._meter.reading() as used:
            for _ in range(turns):
                requests = self._requests(self._shop_without, self._noted_orders)
                began = time.process_time()
                self._shop_without.live(requests)
                lived = time.process_time()
                for _ in range(REPEATS):
                    self._noted.repeat_on(self._metrics)
                work += lived - began
                metrics += (time.process_time() - lived) / REPEATS
        began = time.process_time()
        generate_latest(self._metrics.recorder.registry)
        export_ms = (time.process_time() - began) * 1000
        return Sample(
            value=metrics / work * 100,
            cpu_ms={
                "order": work * 1000 / self._orders,
                "metrics": metrics * 1000 / self._orders,
                **used.ms_per(self._orders),
            },
            facts={"calls an order": len(self._noted.calls) / self._noted_orders, "export ms": export_ms},
        )

    @contextmanager
    def _shop(self, monitoring: Monitoring) -> Iterator["_Shop"]:
        with open_instant_container(read_settings(), monitoring=monitoring) as container:
            yield _Shop(container, create_app(container, observer=monitoring.recorder), self._database)

    def _requests(self, shop: "_Shop", number: int) -> Sequence[tuple[dict[str, str], bytes]]:
        sessions = quoted_sessions(shop.container.ports.unit_of_work, number, content=PICTURE)
        return signed_requests(sessions, self._secret, self._token_signer)


class _Shop:
    """An API and a worker within this process."""

    def __init__(self, container: Container, app: Litestar, database: psycopg.Connection[Any]) -> None:
        self.container = container
        self._app = app
        self._database = database
        self._performer = Performer(
            container.reaction_runner,
            LeaseRenewal(container.reaction_runner),
            queue_of=lambda reaction: spec_of(reaction).queue.value,
            threads=THREADS,
            is_stopping=lambda: False,
        )

    def live(self, requests: Sequence[tuple[dict[str, str], bytes]]) -> None:
        """Post the webhooks of so many payments, and complete the orders."""
        wanted = self._completed() + len(requests)
        asyncio.run(self._post(requests))
        wait_until(lambda: not self._works() and self._completed() >= wanted)

    def _works(self) -> bool:
        """Perform what is due; return whether there was something."""
        due = self.container.reaction_runner.due(list(Queue), 100)
        for reaction_id in due:
            self._performer.perform(str(reaction_id))
        return bool(due)

    def _completed(self) -> int:
        found = self._database.execute("SELECT count(*) FROM orders WHERE state = 'completed'").fetchall()
        return int(found[0][0])

    async def _post(self, requests: Sequence[tuple[dict[str, str], bytes]]) -> None:
        for headers, body in requests:
            status = await _posted(self._app, "/api/webhooks/stripe", headers, body)
            if status != 200:  # noqa: PLR2004 -- OK
                raise AssertionError(f"The webhook was answered with {status}: nothing was measured.")


async def _posted(app: Litestar, path: str, headers: dict[str, str], body: bytes) -> int:
    """Post to an application as uvicorn does; return the status."""
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any] | Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]
