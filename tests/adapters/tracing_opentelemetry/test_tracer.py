"""An order is one trace, from its payment to its delivery."""

from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest
from litestar.testing import TestClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from adapters.observed_calls import observed
from adapters.tracing_opentelemetry.tracer import OrderTracer
from domain.order.values import OrderId
from domain.ports.errors import UnavailableError
from domain.ports.payments import PaymentProvider
from domain.signed_tokens import sha256_of
from domain.use_cases.payments.payment_webhook import ReceivedWebhook
from entrypoints.http import create_app
from tests.entrypoints.support.http_fixtures import ApiClient, HttpShop

CANARIES = ("ada@customer.example", "great-aunt", "Ada")


class TracedShop(HttpShop):
    """A shop whose work and calls are traced."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracer = OrderTracer(SimpleSpanProcessor(self.exporter), version="1.2.3", process="test")
        self.observer = self.tracer
        super().__init__()

    def wire(self, payments: PaymentProvider) -> None:
        self.storage = observed(self.storage, "s3", [self.tracer])
        self.restorer = observed(self.restorer, "replicate", [self.tracer])
        self.mailer = observed(self.mailer, "sendgrid", [self.tracer])
        super().wire(payments)

    def spans(self, trace_id: UUID) -> Sequence[ReadableSpan]:
        """The spans of one trace, as they ended."""
        return [span for span in self.exporter.get_finished_spans() if context(span)[0] == trace_id.int]


def context(span: ReadableSpan) -> tuple[int, int]:
    assert span.context is not None
    return span.context.trace_id, span.context.span_id


@pytest.fixture
def shop() -> TracedShop:
    return TracedShop()


@pytest.fixture
def api(shop: TracedShop) -> Iterator[ApiClient]:
    app = create_app(shop, tracer=shop.tracer)
    with TestClient(app, raise_server_exceptions=False) as http:
        yield ApiClient(shop, http)


def test_an_order_is_one_trace_with_every_kind_of_span(shop: TracedShop, api: ApiClient) -> None:
    session_id = shop.upload(b"great-aunt-1931")
    order_id = shop.upload_service.find(session_id).order_id
    assert api.post_from_stripe(api.payment_event(session_id)).status_code == 200
    shop.live(order_id, hours=0.2)
    spans = shop.spans(order_id)
    tree = {context(span)[1]: span for span in spans}
    assert {span.kind for span in spans} == {
        SpanKind.SERVER,
        SpanKind.INTERNAL,
        SpanKind.PRODUCER,
        SpanKind.CONSUMER,
        SpanKind.CLIENT,
    }
    [root] = [span for span in spans if span.parent is None]
    assert root.name == "POST /api/webhooks/stripe"
    assert [span.name for span in spans if span.parent and span.parent.span_id not in tree] == []
    [call] = [span for span in spans if span.name == "sendgrid send"][-1:]
    path = [call]
    while path[-1].parent is not None:
        path.append(tree[path[-1].parent.span_id])
    names = [span.name for span in reversed(path)]
    assert names[:4] == [
        "POST /api/webhooks/stripe",
        "event PaymentReceived",
        "send MoveImages",
        "perform MoveImages",
    ]
    assert names[-3:] == ["send SendEmail", "perform SendEmail", "sendgrid send"]
    assert len(tree) == len(spans)


def test_payments_that_are_recorded_together_are_traces_of_their_own(shop: TracedShop) -> None:
    payments = [shop.payment(shop.upload(bytes([number]))) for number in range(2)]
    causes = [f"stripe:{each.event_id}" for each in payments]
    shop.tracer.request_began(UUID(int=1))
    shop.tracer.request_caused(causes[0])
    shop.payment_webhook.handle_paid(
        [ReceivedWebhook(each, sha256_of(each.event_id.encode())) for each in payments]
    )
    shop.tracer.request_ended("POST", "/api/webhooks/stripe", 200, None)
    shop.tracer.request_began(UUID(int=2))
    shop.tracer.request_caused(causes[1])
    shop.tracer.request_ended("POST", "/api/webhooks/stripe", 200, None)
    for each in payments:
        assert each.checkout is not None
        assert each.checkout.order_id is not None
        names = [span.name for span in shop.spans(each.checkout.order_id)]
        assert sorted(names) == [
            "POST /api/webhooks/stripe",
            "event PaymentReceived",
            "send MoveImages",
            "send SendEmail",
        ]


def test_a_failed_attempt_and_its_call_are_marked(shop: TracedShop) -> None:
    order_id = shop.pay(shop.upload(b"harvest-1926"))
    shop.storage.fault_injector.fail("copy", UnavailableError("S3", "it is off"))
    shop.work()
    failed = [span for span in shop.spans(order_id) if span.status.status_code is StatusCode.ERROR]
    assert {span.name for span in failed} == {"s3 copy", "perform MoveImages"}
    [attempt] = [span for span in failed if span.name == "perform MoveImages"]
    assert dict(attempt.attributes or {})["restoreclick.outcome"] == "retried"


def test_a_refused_request_cannot_write_into_an_orders_trace(shop: TracedShop, api: ApiClient) -> None:
    order_id = shop.pay(shop.upload(b"harvest-1926"))
    before = len(shop.spans(order_id))
    refused = api.http.post(f"/api/webhooks/replicate/{order_id}/{order_id}/1/forged", content=b"{}")
    assert refused.status_code >= 400
    assert len(shop.spans(order_id)) == before


def test_a_request_without_an_order_is_a_trace_of_its_own(shop: TracedShop, api: ApiClient) -> None:
    answer = api.http.post("/api/uploads")
    [span] = shop.spans(UUID(answer.headers["x-request-id"]))
    assert span.name == "POST /api/uploads"


def test_probes_are_not_traced(shop: TracedShop, api: ApiClient) -> None:
    assert api.http.get("/health/live").status_code == 200
    assert shop.exporter.get_finished_spans() == ()


def test_spans_hold_no_personal_data(shop: TracedShop, api: ApiClient) -> None:
    session_id = shop.upload(b"great-aunt-1931")
    api.post_from_stripe(api.payment_event(session_id))
    order_id: OrderId = shop.upload_service.find(session_id).order_id
    shop.live(order_id, hours=0.2)
    api.http.get(f"/api/download/{shop.token(order_id)}")
    written = " ".join(span.to_json() for span in shop.exporter.get_finished_spans())
    assert [canary for canary in (*CANARIES, "adele@", shop.token(order_id)) if canary in written] == []
