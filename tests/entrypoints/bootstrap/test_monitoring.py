"""Each process serves its metrics at its own address."""

import subprocess
import sys
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from entrypoints.bootstrap.monitoring import (
    MetricsAddressError,
    Monitoring,
    TelemetryMissingError,
    metrics_served,
    monitoring_from,
)
from entrypoints.settings import read_settings
from tests.doubles.container import InMemoryShop

pytestmark = pytest.mark.usefixtures("restoreclick")  # its environment


def test_without_a_port_there_are_no_metrics() -> None:
    settings = read_settings()
    assert monitoring_from(settings, "api") == Monitoring()
    with metrics_served(settings, Monitoring(), InMemoryShop()) as url:
        assert url is None


def test_metrics_are_served_on_loopback_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("METRICS_PORT", "0")
    settings = read_settings()
    with metrics_served(settings, monitoring_from(settings, "api"), InMemoryShop()) as url:
        assert url is not None
        assert urlsplit(url).hostname == "127.0.0.1"
        with urlopen(url) as response:  # noqa: S310 -- our own server
            text = response.read().decode()
    assert "restoreclick_facts_up 1.0" in text
    assert 'restoreclick_queue_depth{queue="email"} 0.0' in text


def test_a_taken_address_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("METRICS_PORT", "0")
    free = read_settings()
    with metrics_served(free, monitoring_from(free, "api"), InMemoryShop()) as url:
        assert url is not None
        monkeypatch.setenv("METRICS_PORT", str(urlsplit(url).port))
        taken = read_settings()
        with (
            pytest.raises(MetricsAddressError, match="a different one for each process"),
            metrics_served(taken, monitoring_from(taken, "api"), InMemoryShop()),
        ):
            pass


def test_traces_need_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")
    monkeypatch.setitem(sys.modules, "adapters.tracing_opentelemetry.export", None)
    with pytest.raises(TelemetryMissingError, match="telemetry"):
        monitoring_from(read_settings(), "worker")


def test_traces_are_exported_to_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")
    monitoring = monitoring_from(read_settings(), "worker")
    assert monitoring.tracer is not None
    assert monitoring.tracer in monitoring.call_observers
    monitoring.close()


def test_opentelemetry_is_imported_only_for_traces() -> None:
    program = """
import sys
sys.modules["opentelemetry"] = None  # as where the extra is not installed
import entrypoints.http, entrypoints.worker
print(*sys.modules)
"""
    loaded = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not [name for name in loaded.stdout.split() if name.startswith("adapters.tracing")]
