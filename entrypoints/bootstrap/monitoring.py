"""Metrics of a process, and the address that serves them."""

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.metrics_prometheus.figures_collector import FiguresCollector
from adapters.metrics_prometheus.recorder import MetricsRecorder
from adapters.metrics_prometheus.server import MetricsServer
from entrypoints.bootstrap.container import Container
from entrypoints.build_info import version
from entrypoints.command_errors import CommandFailedError
from entrypoints.settings import Settings


class MetricsAddressError(CommandFailedError):
    """The address of the metrics is in use, or not this machine's."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host = host
        self.port = port
        super().__init__(
            f"Cannot serve metrics on {host}:{port} ({reason}): free it, or choose another METRICS_HOST or"
            " METRICS_PORT, a different one for each process of this machine."
        )


def recorder_from(settings: Settings) -> MetricsRecorder | None:
    """What counts the work of this process; None if METRICS_PORT is empty."""
    if settings.metrics_port is None:
        return None
    return MetricsRecorder(version(), settings.replicate_cost_per_prediction)


@contextmanager
def metrics_served(
    settings: Settings, recorder: MetricsRecorder | None, container: Container
) -> Iterator[str | None]:
    """Serve the metrics while the block runs; yield their URL.

    Raises MetricsAddressError.
    """
    if recorder is None or settings.metrics_port is None:
        yield None
        return
    figures = FiguresCollector(container.figures.read)
    recorder.registry.register(figures)
    try:
        server = MetricsServer(settings.metrics_host, settings.metrics_port, recorder.registry)
    except OSError as error:
        figures.close()
        raise MetricsAddressError(
            settings.metrics_host, settings.metrics_port, error.strerror or type(error).__name__
        ) from error
    try:
        yield server.url
    finally:
        server.close()
        figures.close()
