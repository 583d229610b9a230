"""What observes the work of a process: its log, metrics and traces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import structlog

from adapters.background_cache import BackgroundCache
from adapters.metrics_prometheus.figures_collector import FiguresCollector
from adapters.metrics_prometheus.recorder import MetricsRecorder
from adapters.metrics_prometheus.server import MetricsServer
from adapters.observed_calls import CallObserver
from adapters.observers import Observers
from adapters.reaction_log import ReactionLog
from domain.ports.observer import Observer
from domain.use_cases.monitoring.figures_reader import FiguresReader
from domain.use_cases.monitoring.storage_trial import StorageTrial
from entrypoints.bootstrap.container import Container
from entrypoints.build_info import version
from entrypoints.command_errors import CommandFailedError
from entrypoints.settings import Settings

if TYPE_CHECKING:
    from adapters.tracing_opentelemetry.tracer import OrderTracer

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class MetricsAddressError(CommandFailedError):
    """The address of the metrics is in use, or not this machine's."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        super().__init__(
            f"Cannot serve metrics on {host}:{port} ({reason}): free it, or choose another METRICS_HOST or"
            " METRICS_PORT, a different one for each process of this machine."
        )


class TelemetryMissingError(CommandFailedError):
    """Traces are to be exported, and OpenTelemetry is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "TRACES_ENDPOINT needs OpenTelemetry, which is not installed: install restoreclick[telemetry], or leave it"
            " empty."
        )


@dataclass(frozen=True)
class Monitoring:
    """What observes a process; without recorder and tracer only its log."""

    recorder: MetricsRecorder | None = None
    tracer: OrderTracer | None = None

    @property
    def observer(self) -> Observer:
        """All that observe the shop's own work."""
        given: Sequence[Observer | None] = (self.recorder, self.tracer)
        return Observers([ReactionLog(), *(each for each in given if each is not None)])

    @property
    def call_observers(self) -> Sequence[CallObserver]:
        """All that observe calls to providers."""
        given: Sequence[CallObserver | None] = (self.recorder, self.tracer)
        return [each for each in given if each is not None]

    def close(self) -> None:
        """Export what is left."""
        if self.tracer is not None:
            self.tracer.close()


def monitoring_from(settings: Settings, process: str) -> Monitoring:
    """What the settings have observe a process; raises TelemetryMissingError."""
    recorder = None
    if settings.metrics_port is not None:
        recorder = MetricsRecorder(version(), settings.replicate_cost_per_prediction)
    return Monitoring(recorder, _tracer_from(settings, process))


def _tracer_from(settings: Settings, process: str) -> OrderTracer | None:
    if settings.traces_endpoint is None:
        return None
    try:
        from adapters.tracing_opentelemetry.export import exporting_tracer  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError as error:
        raise TelemetryMissingError from error
    return exporting_tracer(settings.traces_endpoint, version=version(), process=process)


@contextmanager
def metrics_served(settings: Settings, monitoring: Monitoring, container: Container) -> Iterator[str | None]:
    """Serve the metrics while the block runs; yield their URL.

    None without a port. Raises MetricsAddressError.
    """
    recorder = monitoring.recorder
    if recorder is None or settings.metrics_port is None:
        yield None
        return
    caches = ExitStack()
    figures = caches.enter_context(closing(FiguresCollector(_background_figures(container, caches).read)))
    recorder.registry.register(figures)
    try:
        server = MetricsServer(settings.metrics_host, settings.metrics_port, recorder.registry)
    except OSError as error:
        caches.close()
        raise MetricsAddressError(
            settings.metrics_host, settings.metrics_port, error.strerror or type(error).__name__
        ) from error
    _log.info("metrics_served", url=server.url)
    try:
        yield server.url
    finally:
        server.close()
        caches.close()


def _background_figures(container: Container, caches: ExitStack) -> FiguresReader:
    """Figures whose slow part no scrape waits for."""

    def cache(read: Callable[[datetime], T], lifetime: timedelta) -> BackgroundCache[T]:
        return caches.enter_context(closing(BackgroundCache(read, lifetime)))

    ports = container.ports
    return FiguresReader(
        facts=ports.shop_facts,
        unit_of_work=ports.unit_of_work,
        log_heads=container.log_heads,
        clock=ports.clock,
        policy=ports.policy,
        check_queue=ports.queue.check,
        check_storage=StorageTrial(ports.storage, ports.ids),
        waiting_log=ports.waiting_log,
        slow_cache=cache,
    )
