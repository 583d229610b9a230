"""Stripe's webhooks, each answered when its order is committed."""

import statistics
from contextlib import ExitStack, closing

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from benchmarks.goals import cpu, fact, of_the_limit
from benchmarks.load import post_all, request_bytes
from benchmarks.measure import Row, Sample, percentile, rate
from benchmarks.stripe_webhooks import quoted_sessions, signed_requests
from sandbox.ports import listening_socket

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
        "Limit: the same Litestar and uvicorn with an HMAC and one INSERT through a pool of psycopg. No peer: none "
        "receives Stripe's webhooks."
    )
    rounds = 3
    needs_shop = True

    def open(self, resources: ExitStack) -> None:
        """Start the API and the limit's application, both without a worker."""
        url = self.servers.database()
        self._unit_of_work = resources.enter_context(closing(PostgresUnitOfWork(url, connections=1)))
        self._api = self.servers.start_api(resources, url)
        self._secret = self.servers.environment["STRIPE_WEBHOOK_SECRET"]
        socket = resources.enter_context(listening_socket())
        self._bare_url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        self._bare = self.servers.start_program(
            resources,
            "benchmarks.limits.webhook_app",
            str(socket.fileno()),
            database_url=self.servers.empty_database(),
            fds=[socket.fileno()],
        )
        self._number = self.size(480, 48)
        for url_of_app in (self.servers.shop_url, self._bare_url):
            self._post(url_of_app, self._api.pid, CLIENTS * 2)

    def ours(self) -> Sample:
        """Post to the shop."""
        return self._post(self.servers.shop_url, self._api.pid, self._number)

    def limit(self) -> Sample:
        """Post the same to the bare application."""
        return self._post(self._bare_url, self._bare.pid, self._number)

    def _post(self, app_url: str, pid: int, number: int) -> Sample:
        url = f"{app_url}/api/webhooks/stripe"
        signed = signed_requests(quoted_sessions(self._unit_of_work, number), self._secret)
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
