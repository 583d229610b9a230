"""Webhooks of Stripe's twin, delivered unchanged in the order a test chooses."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from litestar.testing import TestClient

from adapters.payments_stripe import StripeWebhookParser
from domain.order.order import Order
from domain.order.values import UploadSessionId
from tests.adapters.support.provider_accounts import STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, stripe_payments
from tests.doubles.clock import SystemClock
from tests.doubles.container import POLICY
from tests.entrypoints.support.http_fixtures import ApiClient, HttpShop, application
from tests.sandbox.processes import TwinProcess
from tests.sandbox.receiver import WebhookReceiver


@dataclass(frozen=True)
class StripeAccount:
    """The HTTP API, the twin, and the twin's undelivered webhooks."""

    api: ApiClient
    twin: TwinProcess
    receiver: WebhookReceiver

    @property
    def shop(self) -> HttpShop:
        return self.api.shop

    def deliver(self, event_type: str, count: int = 1) -> None:
        """Post the twin's webhook events of this type, each twice."""
        for posted in self.receiver.wait_for(event_type, count):
            for _ in range(2):
                answer = self.api.http.post(
                    "/api/webhooks/stripe", content=posted.body, headers=posted.headers
                )
                assert answer.status_code == 200

    def open_page(self, session_id: UploadSessionId, **changes: Any) -> str:
        """Open another checkout for a session at the twin.

        The twin sees it as a different request of the shop.
        """
        form = {
            "mode": "payment",
            "success_url": "https://shop.example/thanks",
            "line_items[0][price_data][currency]": "eur",
            "line_items[0][price_data][product_data][name]": "Photo restoration",
            "line_items[0][price_data][unit_amount]": "490",
            "line_items[0][quantity]": "1",
            "metadata[upload_session_id]": str(session_id),
            "metadata[order_id]": str(self.shop.upload_service.find(session_id).order_id),
            **changes,
        }
        opened: str = self._post("/v1/checkout/sessions", form)["id"]
        return opened

    def coupon(self, percent_off: int) -> str:
        made: str = self._post("/v1/coupons", {"percent_off": str(percent_off), "duration": "once"})["id"]
        return made

    def order(self, session_id: UploadSessionId) -> Order:
        return self.shop.order(self.shop.upload_service.find(session_id).order_id)

    def _post(self, path: str, form: dict[str, str]) -> Any:
        authorized = {"Authorization": f"Bearer {STRIPE_SECRET_KEY}"}
        return self.twin.http.post(path, data=form, headers=authorized).raise_for_status().json()


@contextmanager
def open_stripe_account(stripe: TwinProcess, receiver: WebhookReceiver) -> Iterator[StripeAccount]:
    """A shop of doubles that sells at the twin."""
    impatient = replace(POLICY, retention=replace(POLICY.retention, uploads=timedelta(days=1)))
    shop = HttpShop(impatient, payment_provider=stripe_payments(stripe.url))
    shop.clock.moment = datetime.now(UTC)
    # The twin remembers the idempotency keys of earlier tests, which the first ids would repeat.
    shop.ids.given = uuid4().int >> 1
    parser = StripeWebhookParser((STRIPE_WEBHOOK_SECRET,), SystemClock())
    shop.ports = replace(shop.ports, payment_webhook_parser=parser)
    with TestClient(application(shop), raise_server_exceptions=False) as http:
        yield StripeAccount(ApiClient(shop, http), stripe, receiver)
