"""The address at which Prometheus scrapes this process."""

from prometheus_client import CollectorRegistry, start_http_server


class MetricsServer:
    """Serves a registry at ``/metrics``, in a thread of its own.

    Args:
        host: the address to listen on.
        port: its port; 0 for a free one.
        registry: what is served.

    Raises OSError if the address cannot be had.
    """

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        self._server, self._thread = start_http_server(port, addr=host, registry=registry)

    @property
    def url(self) -> str:
        """Where the metrics are."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/metrics"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
