"""The gauges of the database, read at each scrape within bounded time."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import timedelta
from threading import Lock

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from adapters.metrics_prometheus import definitions as d
from adapters.metrics_prometheus.definitions import Metric
from domain.ports.errors import UnavailableError
from domain.use_cases.monitoring.figures import Figures

#: A scrape waits for the database this long, then it goes without its figures.
SCRAPE_SECONDS = 4.0

Values = list[tuple[tuple[str, ...], float]]


class FiguresCollector(Collector):
    """Exports the figures; scrapes that come meanwhile share one read."""

    def __init__(self, read: Callable[[], Figures], timeout_seconds: float = SCRAPE_SECONDS) -> None:
        self._read = read
        self._timeout_seconds = timeout_seconds
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="figures")
        self._running: Future[Figures] | None = None

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the gauges without reading them."""
        for metric in (d.FACTS_UP, *(each for each in d.METRICS if each.source is d.Source.DATABASE)):
            yield _family(metric, [])

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges; without figures only ``facts_up``."""
        figures = self._figures()
        yield _family(d.FACTS_UP, [((), float(figures is not None))])
        if figures is not None:
            for metric, values in values_of(figures).items():
                yield _family(metric, values)

    def close(self) -> None:
        """End the thread, without waiting for the database."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _figures(self) -> Figures | None:
        with self._lock:
            if self._running is None or self._running.done():
                self._running = self._thread.submit(self._read)
            running = self._running
        try:
            return running.result(self._timeout_seconds)
        except (FutureTimeoutError, UnavailableError):
            return None


def values_of(figures: Figures) -> dict[Metric, Values]:
    """Each gauge with its values by label."""
    queues, current, totals = figures.queues, figures.current, figures.totals
    optional: dict[Metric, float | None] = {
        d.DISPUTE_DUE: figures.next_response_in.total_seconds() if figures.next_response_in else None,
        d.STORAGE_RATIO: figures.storage_ratio,
        **_backups(figures),
        d.RECONCILED_AGE: (figures.at - current.reconciled_at).total_seconds()
        if current.reconciled_at
        else None,
        d.BEHIND_LOG: figures.is_behind_log if figures.head_is_known else None,
        d.HEAD_LAG: figures.unprotected_for.total_seconds() if figures.head_is_known else None,
        d.LOG_AGE: (figures.at - current.recorded_at).total_seconds() if current.recorded_at else None,
        d.LOG_UNREAD_AGE: figures.readers_late_for.total_seconds(),
    }
    return {
        d.QUEUE_DEPTH: [((name,), each.waiting) for name, each in queues.items()],
        d.QUEUE_SCHEDULED: [((name,), each.scheduled) for name, each in queues.items()],
        d.QUEUE_IN_FLIGHT: [((name,), each.in_flight) for name, each in queues.items()],
        d.QUEUE_FAILING: [((name,), each.failing) for name, each in queues.items()],
        d.QUEUE_OLDEST: [((name,), each.oldest_age.total_seconds()) for name, each in queues.items()],
        d.WORK_OLDEST: [((name,), each.longest_run.total_seconds()) for name, each in queues.items()],
        d.ERROR_RATIO: [((), figures.error_ratio)],
        d.ORDERS: _summed([((each.state,), each.orders) for each in totals.orders]),
        d.ORDERS_HELD: [((reason,), held) for reason, held in current.held.items()],
        d.ATTENTION: [((kind,), number) for kind, number in (figures.attention or {}).items()],
        d.PHOTOS: [
            (("paid",), sum(each.photos for each in totals.orders)),
            (("restored",), sum(each.restored for each in totals.orders)),
            (("failed",), sum(each.failed for each in totals.orders)),
        ],
        d.MONEY: _money(figures),
        d.OWED_OLDEST: [((), figures.oldest_owed_age.total_seconds())],
        d.DISPUTES_OPEN: [
            (("dispute",), sum(not each.is_inquiry for each in totals.disputes)),
            (("inquiry",), sum(each.is_inquiry for each in totals.disputes)),
        ],
        d.EMAILS: [((each.kind, each.status), each.emails) for each in totals.emails],
        d.LOG_POSITION: [((), current.log_position)],
        d.LOG_UNREAD: [((), current.unread_events)],
        d.DATABASE_FULL: [((), float(figures.database_is_full))],
        d.STORAGE_DOWN: [((), float(figures.storage_problem is not None))],
        d.QUEUE_DOWN: [((), float(figures.queue_problem is not None))],
        d.STORAGE_USED: [((), totals.stored_bytes)],
        d.SCHEMA: [((current.schema,), 1)],
        **{metric: [((), value)] for metric, value in optional.items() if value is not None},
    }


def _backups(figures: Figures) -> dict[Metric, float | None]:
    drilled_at = figures.backups.newest_drill_at if figures.backups is not None else None
    return {
        d.BACKUP_AGE: _seconds(figures.backup_age),
        d.BACKUP_OVERDUE: _seconds(figures.backup_overdue),
        d.BACKUP_SIZE: figures.backups.newest_backup_size_bytes if figures.backups is not None else None,
        d.UNARCHIVED: _seconds(figures.unarchived_for),
        d.LOG_NOT_ARCHIVED: figures.log_is_not_archived,
        d.DRILL_AGE: _seconds(figures.at - drilled_at) if drilled_at is not None else None,
        d.DRILL_OVERDUE: _seconds(figures.drill_overdue),
        d.DRILL_FAILED: figures.drill_has_failed,
        d.DRILL_NOT_TRIED: figures.drill_was_not_tried,
    }


def _seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span is not None else None


def _money(figures: Figures) -> Values:
    orders, owed = figures.totals.orders, figures.current.owed_refunds
    return _summed(
        [
            *(((each.currency, "received"), each.received) for each in orders),
            *(((each.currency, "refunded"), each.refunded) for each in orders),
            *(((each.amount.currency, "owed"), each.amount.amount) for each in owed),
            *(((each.currency, "unmatched"), each.amount) for each in figures.current.unmatched),
        ]
    )


def _summed(values: Values) -> Values:
    """Add up the values of equal labels."""
    sums: dict[tuple[str, ...], float] = {}
    for labels, value in values:
        sums[labels] = sums.get(labels, 0) + value
    return list(sums.items())


def _family(metric: Metric, values: Values) -> GaugeMetricFamily:
    family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, value in values:
        family.add_metric(labels, value)
    return family
