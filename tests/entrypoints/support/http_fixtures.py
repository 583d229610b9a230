"""The HTTP API on a shop of doubles with real signature verification."""

import base64
import hashlib
import hmac
import json
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from uuid import UUID

import httpx
import httpx2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from litestar import Litestar
from litestar.testing import TestClient
from litestar.types import Receive, Scope, Send

from adapters.mailer_sendgrid import SendGridWebhookParser
from adapters.payments_stripe import StripeWebhookParser
from adapters.restorer_replicate import ReplicateWebhookParser
from domain.order.values import OrderId, UploadSessionId
from domain.ports.payments import PaymentProvider
from entrypoints.bootstrap.container import Container
from entrypoints.http import create_app
from tests.doubles.container import InMemoryShop

STRIPE_SECRET = "whsec_the_doorway"
REPLICATE_SECRET = "whsec_dGhlIGRvb3J3YXk="
SENDGRID_KEY = ec.generate_private_key(ec.SECP256R1())

PORTRAIT = b"great-aunt Adele, 1931"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:136.0) Gecko/20100101 Firefox/136.0"
SCANNER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/124.0 Safari/537.36"


class HttpShop(InMemoryShop):
    """A shop of doubles with all that the HTTP API needs."""

    def wire(self, payments: PaymentProvider) -> None:
        """Check signatures as production does."""
        public_key = SENDGRID_KEY.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.payment_webhook_parser = StripeWebhookParser((STRIPE_SECRET,), self.clock)
        self.prediction_webhook_parser = ReplicateWebhookParser(REPLICATE_SECRET, self.clock)
        self.email_webhook_parser = SendGridWebhookParser(base64.b64encode(public_key).decode(), self.clock)
        super().wire(payments)

    def delivered(self, *photos: bytes) -> OrderId:
        """An order, paid and processed to its end."""
        order_id = self.pay(self.upload(*(photos or (PORTRAIT,))))
        self.live(order_id)
        return order_id

    def token(self, order_id: OrderId) -> str:
        """The token of an order's newest link, as in the e-mail."""
        link = self.order(order_id).newest_link
        assert link is not None
        return self.token_signer.download_token(link.link_id)


@dataclass(frozen=True)
class ApiClient:
    """A shop, and a client of its HTTP API."""

    shop: HttpShop
    http: TestClient[Litestar]

    def open_session(self) -> UploadSessionId:
        return UploadSessionId(UUID(self.http.post("/api/uploads").json()["session_id"]))

    def send_photo(
        self,
        session_id: UUID,
        content: Any = PORTRAIT,
        file_name: str = "great-aunt-1931.jpg",
        **headers: str,
    ) -> httpx.Response:
        return self.http.post(
            f"/api/uploads/{session_id}/photos",
            params={"filename": file_name},
            content=content,
            headers={"Content-Type": "application/octet-stream", **headers},
        )

    def post_from_stripe(self, event: dict[str, Any], secret: str = STRIPE_SECRET) -> httpx.Response:
        body = json.dumps(event).encode()
        timestamp = int(self.shop.clock.now().timestamp())
        digest = hmac.new(secret.encode(), b"%d.%b" % (timestamp, body), hashlib.sha256).hexdigest()
        headers = {"Stripe-Signature": f"t={timestamp},v1={digest}"}
        return self.http.post("/api/webhooks/stripe", content=body, headers=headers)

    def post_from_replicate(
        self, path: str, prediction_id: str, secret: str = REPLICATE_SECRET
    ) -> httpx.Response:
        body = json.dumps({"id": prediction_id, "status": "succeeded"}).encode()
        timestamp = str(int(self.shop.clock.now().timestamp()))
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.new(key, b"msg_1.%b.%b" % (timestamp.encode(), body), hashlib.sha256).digest()
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        }
        return self.http.post(path, content=body, headers=headers)

    def post_from_sendgrid(
        self, events: list[dict[str, Any]], key: ec.EllipticCurvePrivateKey = SENDGRID_KEY
    ) -> httpx.Response:
        body = json.dumps(events).encode()
        timestamp = str(int(self.shop.clock.now().timestamp()))
        signature = key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }
        return self.http.post("/api/webhooks/sendgrid", content=body, headers=headers)

    def payment_event(self, session_id: UploadSessionId) -> dict[str, Any]:
        """What Stripe posts when the session's checkout was paid."""
        checkout = self.shop.checkout_service.open(session_id, email=None)
        return {
            "id": f"evt_{checkout.checkout_session_id}",
            "type": "checkout.session.completed",
            "data": {
                "object": {
                    "id": checkout.checkout_session_id,
                    "payment_status": "paid",
                    "amount_total": checkout.quoted.amount,
                    "currency": checkout.quoted.currency.lower(),
                    "payment_intent": "pi_1",
                    "metadata": {
                        "upload_session_id": str(session_id),
                        "order_id": str(self.shop.upload_service.find(session_id).order_id),
                    },
                    "customer_details": {"email": "adele@customers.example", "name": "Adele Brandt"},
                }
            },
        }


def assert_problem(answer: httpx.Response | httpx2.Response, status: int, name: str) -> dict[str, Any]:
    """Assert that a response is a complete problem document; return it."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    document: dict[str, Any] = answer.json()
    assert (document["type"], document["status"]) == (f"/problems/{name}", status)
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["instance"] == f"urn:uuid:{document['request_id']}"
    return document


#: The shop that a request is for.
_shop: ContextVar[HttpShop] = ContextVar("shop")


class _ShopOfTheRequest:
    """A container for an application that serves many shops."""

    def __getattr__(self, name: str) -> object:
        return getattr(_shop.get(), name)


@cache
def _application() -> Litestar:
    """The application, built once: that costs more than most tests."""
    return create_app(cast("Container", _ShopOfTheRequest()))


def application(shop: HttpShop) -> Litestar:
    """The HTTP application of a shop."""
    app = copy(_application())
    answer = app.asgi_handler

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        _shop.set(shop)
        await answer(scope, receive, send)

    app.asgi_handler = handle
    return app


def post_scope(path: str, content_type: str) -> dict[str, Any]:
    """The ASGI scope of a POST whose body the test sends."""
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", content_type.encode())],
        "http_version": "1.1",
        "scheme": "http",
    }
