"""Stripe's webhooks, each answered when its order is committed."""

import statistics
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from benchmarks.goals import cpu, fact, of_the_limit
from benchmarks.load import post_all, request_bytes
from benchmarks.measure import Row, Sample, percentile, rate
from benchmarks.stripe_webhooks import quoted_sessions, signed_requests
from domain.signed_tokens import TokenSigner
from sandbox.ports import listening_socket
from sandbox.processes import Process

CLIENTS = 16


class Webhook(Row):
    """Webhooks about payments, each of which places an order."""

    name = "webhook"
    work = "webhook accepted, one process, 16 clients"
    unit = "webhooks/s"
    goals = (
        of_the_limit(0.5),
        cpu("API", 1.5),
        cpu("PostgreSQL", 1),
        fact("p99 ms", at_most=50),
    )
    notes = (
        "Limit: the same Litestar and uvicorn with an HMAC and one INSERT through a pool of psycopg. Peer: "
        "Stripe's SDK and one object stored through SQLAlchemy's ORM on asyncio, and no more; none decides on an order."
    )
    rounds = 3
    needs_shop = True

    def open(self, resources: ExitStack) -> None:
        """Start the API without a worker, and the others' applications."""
        url = self.servers.database()
        self._unit_of_work = resources.enter_context(closing(PostgresUnitOfWork(url, connections=1)))
        self._api = self.servers.start_api(resources, url)
        key = self.servers.settings_of(url)["LINK_SIGNING_KEY"]
        self._token_signer = TokenSigner(key.encode())
        self._secret = self.servers.environment["STRIPE_WEBHOOK_SECRET"]
        self._bare = self._start(resources, "benchmarks.limits.webhook_app")
        self._usual = self._start(resources, "benchmarks.peers.usual_webhook_app")
        self._number = self.size(480, 48)
        for app_url, process in ((self.servers.shop_url, self._api), self._bare, self._usual):
            self._post(app_url, process.pid, CLIENTS * 2)

    def ours(self) -> Sample:
        """Post to the shop."""
        return self._post(self.servers.shop_url, self._api.pid, self._number)

    def limit(self) -> Sample:
        """Post the same to the bare application."""
        app_url, process = self._bare
        return self._post(app_url, process.pid, self._number)

    def peers(self) -> Mapping[str, Callable[[], Sample]]:
        """Post the same to the application written the usual way."""
        app_url, process = self._usual
        return {"SDK and async ORM": lambda: self._post(app_url, process.pid, self._number)}

    def _start(self, resources: ExitStack, module: str) -> tuple[str, Process]:
        """Start another application; return its address and process."""
        socket = resources.enter_context(listening_socket())
        process = self.servers.start_program(
            resources,
            module,
            str(socket.fileno()),
            database_url=self.servers.empty_database(),
            fds=[socket.fileno()],
        )
        return f"http://127.0.0.1:{socket.getsockname()[1]}", process

    def _post(self, app_url: str, pid: int, number: int) -> Sample:
        url = f"{app_url}/api/webhooks/stripe"
        sessions = quoted_sessions(self._unit_of_work, number)
        signed = signed_requests(sessions, self._secret, self._token_signer)
        requests = [request_bytes(url, headers, body) for headers, body in signed]
        seconds: list[float] = []
        sample = rate(
            number,
            self.servers.meter({"API": [pid]}),
            lambda: seconds.extend(post_all(url, requests, CLIENTS)),
        )
        facts = {
            "p50 ms": statistics.median(seconds) * 1000,
            "p99 ms": percentile(seconds, 0.99) * 1000,
        }
        return Sample(value=sample.value, cpu_ms=sample.cpu_ms, facts=facts)
