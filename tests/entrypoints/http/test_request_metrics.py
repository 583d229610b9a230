"""Requests are counted by template, verdict and problem, whatever clients send."""

from collections.abc import Callable, Iterator
from typing import NoReturn
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from httpx import Response
from litestar.testing import TestClient

from adapters.metrics_prometheus.recorder import MetricsRecorder
from domain.ports.errors import UnavailableError
from entrypoints.http import create_app
from tests.doubles.unit_of_work import InMemoryUnitOfWork
from tests.entrypoints.support.http_fixtures import PORTRAIT, ApiClient, HttpShop

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


def verdicts(recorder: MetricsRecorder, provider: str) -> dict[str, float]:
    """How many webhooks of a provider had each verdict."""
    return {
        each.labels["verdict"]: each.value
        for family in recorder.registry.collect()
        if family.name == "restoreclick_webhooks"
        for each in family.samples
        if each.labels["provider"] == provider
    }


def test_a_payment_that_could_not_be_recorded_is_failed_until_its_repeat_is_accepted(
    api: ApiClient, recorder: MetricsRecorder
) -> None:
    event = api.payment_event(api.shop.upload(PORTRAIT))
    with api.shop.event_store_fails():
        assert api.post_from_stripe(event).status_code == 500
    assert verdicts(recorder, "stripe") == {"failed": 1}
    assert api.post_from_stripe(event).status_code == 200
    assert verdicts(recorder, "stripe") == {"failed": 1, "accepted": 1}


@pytest.mark.parametrize("provider", ["stripe", "replicate", "sendgrid"])
def test_every_webhook_is_failed_while_the_database_is_off(
    api: ApiClient, recorder: MetricsRecorder, monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    paid = api.payment_event(api.shop.upload(PORTRAIT))
    order_id = api.shop.pay(api.shop.upload(b"harvest"))
    api.shop.work()
    (prediction_id,) = api.shop.restorer.works
    path = urlsplit(api.shop.restorer.works[prediction_id].webhook_url).path
    (mail,) = api.shop.order(order_id).emails.values()
    bounced = {"event": "bounce", "timestamp": 1_773_500_966, "sg_message_id": f"{mail.message_id}.recvd-x-1"}

    def refuse(_: object) -> NoReturn:
        raise UnavailableError("PostgreSQL", "it is off")

    posts: dict[str, Callable[[], Response]] = {
        "stripe": lambda: api.post_from_stripe(paid),
        "replicate": lambda: api.post_from_replicate(path, prediction_id),
        "sendgrid": lambda: api.post_from_sendgrid([bounced]),
    }
    post = posts[provider]
    with monkeypatch.context() as off:
        off.setattr(InMemoryUnitOfWork, "transaction", refuse)
        assert post().status_code == 503
    assert verdicts(recorder, provider) == {"failed": 1}
    assert post().status_code == 200
    assert verdicts(recorder, provider) == {"failed": 1, "accepted": 1}


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
