"""The counters and histograms of this process."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from adapters.metrics_prometheus import definitions as d
from adapters.metrics_prometheus.definitions import Kind, Metric
from domain.order.order import Order
from domain.ports.event_store import Commit
from domain.ports.observer import AttemptEnd, NoObserver
from domain.ports.reaction_queue import Claim
from domain.ports.restorer import Prediction, PredictionStatus

# When each series began doubles their number, and nothing here asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]

#: Ends of an attempt after which its reaction is finished.
_FINISHING = frozenset({AttemptEnd.DONE, AttemptEnd.HELD, AttemptEnd.GIVEN_UP})

#: Other methods count as one, because clients choose them.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

#: A provider's model names come with versions, which are left out.
_VERSION = ":"


class MetricsRecorder(NoObserver):
    """Counts what this process does; thread-safe.

    Args:
        version: the program's version.
        costs: US dollars of a successful prediction, by model, with or without its version.
    """

    def __init__(self, version: str, costs: Mapping[str, float] | None = None) -> None:
        self.registry = CollectorRegistry()
        self._costs = {_unversioned(model): cost for model, cost in (costs or {}).items()}
        self._counters = {
            each: _counter(each, self.registry) for each in d.METRICS if each.kind is Kind.COUNTER
        }
        self._histograms = {
            each: _histogram(each, self.registry) for each in d.METRICS if each.kind is Kind.HISTOGRAM
        }
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        _gauge(d.BUILD, self.registry).labels(version).set(1)

    def watch_pool(self, size: int, in_use: Callable[[], int]) -> None:
        """Export a connection pool, which is asked at each scrape."""
        _gauge(d.POOL_SIZE, self.registry).set(size)
        _gauge(d.POOL_IN_USE, self.registry).set_function(in_use)

    def committed(self, commit: Commit) -> None:
        for recorded in commit.events:
            self._count(d.EVENTS, type(recorded.event).__name__)

    def conflicted(self) -> None:
        self._count(d.CONFLICTS)

    def attempt_ended(self, claim: Claim, order: Order, end: AttemptEnd, took: timedelta) -> None:  # noqa: ARG002 -- the port's
        kind = type(claim.reaction).__name__
        self._time(d.REACTION_SECONDS, took.total_seconds(), kind, end.value)
        if end in _FINISHING:
            self._time(d.REACTION_ATTEMPTS, claim.attempts, kind)
        if end is AttemptEnd.LEASE_LOST:
            self._count(d.LEASES_LOST)

    def call_overran(self, claim: Claim, *, is_finished: bool) -> None:
        kind = type(claim.reaction).__name__
        self._count(d.OVERRUNS, kind)
        if is_finished:
            self._time(d.REACTION_ATTEMPTS, claim.attempts, kind)

    def prediction_started(self, model: str, *, is_failover: bool) -> None:
        self._count(d.PREDICTIONS_STARTED, _unversioned(model))
        if is_failover:
            self._count(d.FAILOVERS, _unversioned(model))

    def prediction_ended(self, order: Order, prediction: Prediction) -> None:  # noqa: ARG002 -- the port's
        model = _unversioned(prediction.model)
        succeeded = prediction.status is PredictionStatus.SUCCEEDED
        outcome = "succeeded" if succeeded else prediction.failure.value if prediction.failure else "failed"
        self._count(d.PREDICTIONS_ENDED, model, outcome)
        self._count(d.PREDICTION_SECONDS, model, by=prediction.run_seconds or 0)
        if succeeded:
            self._count(d.PREDICTION_COST, model, by=self._costs.get(model, 0))

    def request_ended(
        self, method: str, path: str, status: int, seconds: float, problem: str | None = None
    ) -> None:
        """A request was answered; ``path`` is the route's template."""
        method = method if method in _METHODS else "other"
        self._time(d.HTTP_SECONDS, seconds, method, path, str(status))
        if problem is not None:
            self._count(d.HTTP_REFUSALS, path, problem)

    def webhook_ended(self, provider: str, verdict: str, seconds: float) -> None:
        """A provider's webhook was answered."""
        self._time(d.WEBHOOK_SECONDS, seconds, provider)
        self._count(d.WEBHOOKS, provider, verdict)

    def upload_ended(self, outcome: str) -> None:
        """Count an upload by its outcome."""
        self._count(d.UPLOADS, outcome)

    def call_ended(self, provider: str, call: str, seconds: float, error: BaseException | None) -> None:
        """A call to a provider returned or raised."""
        self._time(d.PROVIDER_SECONDS, seconds, provider, call)
        if error is not None:
            self._count(d.PROVIDER_ERRORS, provider, call, type(error).__name__)

    def _count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        counter = self._counters[metric]
        (counter.labels(*labels) if labels else counter).inc(by)

    def _time(self, metric: Metric, value: float, *labels: str) -> None:
        self._histograms[metric].labels(*labels).observe(max(0.0, value))


@cache
def _unversioned(model: str) -> str:
    return model.partition(_VERSION)[0]


def _counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    return Counter(metric.name, metric.help, metric.labels, registry=registry)


def _gauge(metric: Metric, registry: CollectorRegistry) -> Gauge:
    return Gauge(metric.name, metric.help, metric.labels, registry=registry)


def _histogram(metric: Metric, registry: CollectorRegistry) -> Histogram:
    return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=registry)
