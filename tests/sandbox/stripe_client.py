"""A small shop with Stripe's SDK, for tests."""

from dataclasses import dataclass
from typing import Any

import httpx2
import stripe

from tests.sandbox.processes import TwinProcess

SECRET_KEY = "sk_test_51sandbox"
WEBHOOK_SECRET = "whsec_sandbox_shop"


@dataclass(frozen=True)
class Shop:
    """Sell portrait restorations at 9 euros each."""

    twin: TwinProcess
    client: stripe.StripeClient

    def open_session(self, *, photos: int = 1, **changes: Any) -> stripe.checkout.Session:
        params: dict[str, Any] = {
            "mode": "payment",
            "line_items": [
                {
                    "price_data": {
                        "currency": "eur",
                        "unit_amount": 900,
                        "product_data": {"name": "Restored portrait"},
                    },
                    "quantity": photos,
                }
            ],
            "success_url": "http://shop.example/thanks?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://shop.example/basket",
            "customer_email": "adele@example.com",
        }
        return self.client.v1.checkout.sessions.create(params | changes)  # type: ignore[arg-type]

    def press(self, session: stripe.checkout.Session, action: str, **typed: str) -> httpx2.Response:
        assert session.url is not None
        form = {"action": action, "email": "adele@example.com", "name": "Adele Brandt", **typed}
        return self.twin.http.post(session.url, data=form)

    def paid_session(self, *, photos: int = 1, **changes: Any) -> stripe.checkout.Session:
        session = self.open_session(photos=photos, **changes)
        assert self.press(session, "pay").status_code == 303
        return self.client.v1.checkout.sessions.retrieve(session.id)

    def payment(self, *, photos: int = 1) -> str:
        intent = self.paid_session(photos=photos).payment_intent
        assert isinstance(intent, str)
        return intent


def client_of(twin: TwinProcess, key: str = SECRET_KEY, retries: int = 0) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": twin.url},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=5),
    )
