"""Each process serves its metrics at its own address."""

from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from entrypoints.bootstrap.monitoring import MetricsAddressError, metrics_served, recorder_from
from entrypoints.settings import read_settings
from tests.doubles.container import InMemoryShop

pytestmark = pytest.mark.usefixtures("restoreclick")  # its environment


def test_without_a_port_there_are_no_metrics() -> None:
    settings = read_settings()
    assert recorder_from(settings) is None
    with metrics_served(settings, None, InMemoryShop()) as url:
        assert url is None


def test_metrics_are_served_on_loopback_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("METRICS_PORT", "0")
    settings = read_settings()
    with metrics_served(settings, recorder_from(settings), InMemoryShop()) as url:
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
    with metrics_served(free, recorder_from(free), InMemoryShop()) as url:
        assert url is not None
        monkeypatch.setenv("METRICS_PORT", str(urlsplit(url).port))
        taken = read_settings()
        with (
            pytest.raises(MetricsAddressError, match="a different one for each process"),
            metrics_served(taken, recorder_from(taken), InMemoryShop()),
        ):
            pass
