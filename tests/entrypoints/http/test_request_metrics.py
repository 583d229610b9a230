"""Requests are counted by template, verdict and problem, whatever clients send."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from litestar.testing import TestClient

from adapters.metrics_prometheus.recorder import MetricsRecorder
from entrypoints.http import create_app
from tests.entrypoints.support.http_fixtures import ApiClient, HttpShop

PATH = "/api/uploads/{session}/photos"


@pytest.fixture
def recorder() -> MetricsRecorder:
    return MetricsRecorder("1.2.3")


@pytest.fixture
def api(recorder: MetricsRecorder) -> Iterator[ApiClient]:
    shop = HttpShop()
    with TestClient(create_app(shop, observer=recorder), raise_server_exceptions=False) as http:
        yield ApiClient(shop, http)


def sample(recorder: MetricsRecorder, name: str, **labels: str) -> float:
    return recorder.registry.get_sample_value(f"restoreclick_{name}", labels) or 0


def test_a_request_is_timed_by_its_template(api: ApiClient, recorder: MetricsRecorder) -> None:
    api.send_photo(api.open_session())
    labels = {"method": "POST", "path": PATH, "status": "201"}
    assert sample(recorder, "http_request_duration_seconds_count", **labels) == 1
    assert sample(recorder, "uploads_total", outcome="stored") == 1


def test_a_refused_upload_is_counted_by_its_problem(api: ApiClient, recorder: MetricsRecorder) -> None:
    api.send_photo(uuid4())
    assert sample(recorder, "uploads_total", outcome="upload-session-unknown") == 1
    assert sample(recorder, "http_refusals_total", path=PATH, problem="upload-session-unknown") == 1


def test_a_forged_webhook_is_refused_and_a_signed_one_accepted(
    api: ApiClient, recorder: MetricsRecorder
) -> None:
    api.post_from_stripe({"id": "evt_1"}, secret="whsec_forged")
    assert sample(recorder, "webhooks_total", provider="stripe", verdict="refused") == 1
    api.post_from_sendgrid([])
    assert sample(recorder, "webhooks_total", provider="sendgrid", verdict="accepted") == 1
    assert sample(recorder, "webhook_duration_seconds_count", provider="sendgrid") == 1


def test_strangers_cannot_make_new_series(api: ApiClient, recorder: MetricsRecorder) -> None:
    for number in range(30):
        api.http.get(f"/wp-admin/{number}")
        api.http.request(f"METHOD{number}", f"/{number}")
    families = [
        each
        for each in recorder.registry.collect()
        if each.name == "restoreclick_http_request_duration_seconds"
    ]
    counts = {
        (sample.labels["method"], sample.labels["path"])
        for family in families
        for sample in family.samples
        if sample.name.endswith("_count")
    }
    assert counts <= {("GET", "(unknown)"), ("other", "(unknown)")}
