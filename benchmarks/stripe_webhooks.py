"""Quoted upload sessions, and Stripe's signed webhooks about their payments."""

import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from benchmarks.direct_shop import PRICE
from domain.order.values import Money, ObjectKey, OrderId, PhotoId, Sha256, StoredObject, UploadSessionId
from domain.ports.payments import CheckoutDetails, PaymentEventKind, PaymentWebhookEvent
from domain.ports.unit_of_work import Database
from domain.ports.upload_sessions import Checkout, UploadedPhoto, UploadSession, UploadStatus
from domain.signed_tokens import TokenSigner

_EUROS = Money(amount=PRICE, currency="EUR")
_NOTHING = Money(amount=0, currency="EUR")


def quoted_sessions(
    unit_of_work: Database, number: int, *, content: bytes = b"picture"
) -> list[UploadSession]:
    """Store sessions of one photo, each with an open checkout."""
    sessions = [_session() for _ in range(number)]
    with unit_of_work.transaction() as transaction:
        for session in sessions:
            transaction.upload_sessions.open(session)
            transaction.upload_sessions.add_photo(session.session_id, _photo(session, content))
            transaction.upload_sessions.set_checkout(session.session_id, _checkout(session))
    return sessions


def payment_of(session: UploadSession) -> PaymentWebhookEvent:
    """Return the parsed webhook event about a session's payment."""
    return PaymentWebhookEvent(
        event_id=f"evt_{uuid4().hex}",
        event_type="checkout.session.completed",
        kind=PaymentEventKind.PAID,
        checkout=CheckoutDetails(
            checkout_session_id=f"cs_{session.session_id.hex}",
            upload_session_id=session.session_id,
            order_id=session.order_id,
            payment_intent_id=f"pi_{session.session_id.hex}",
            paid=_EUROS,
            discount=_NOTHING,
            email=f"{session.session_id.hex}@customer.example",
            name="Ada",
            locale="en",
        ),
    )


def signed_requests(
    sessions: Sequence[UploadSession], secret: str, token_signer: TokenSigner
) -> list[tuple[dict[str, str], bytes]]:
    """Return the headers and the body of each session's webhook."""
    bodies = (json.dumps(_event(session, token_signer)).encode() for session in sessions)
    return [({"Stripe-Signature": _signature(body, secret)}, body) for body in bodies]


def _signature(body: bytes, secret: str) -> str:
    now = int(time.time())
    digest = hmac.new(secret.encode(), b"%d.%b" % (now, body), hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"


def _event(session: UploadSession, token_signer: TokenSigner) -> dict[str, object]:
    checkout = {
        "id": f"cs_{session.session_id.hex}",
        "object": "checkout.session",
        "amount_total": PRICE,
        "amount_subtotal": PRICE,
        "currency": "eur",
        "payment_status": "paid",
        "status": "complete",
        "payment_intent": f"pi_{session.session_id.hex}",
        "customer_details": {"email": f"{session.session_id.hex}@customer.example", "name": "Ada"},
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "metadata": {
            "upload_session_id": str(session.session_id),
            "order_id": str(session.order_id),
            "seal": token_signer.payment_token(session.session_id, session.order_id),
        },
    }
    return {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "type": "checkout.session.completed",
        "created": int(time.time()),
        "api_version": "2026-10-28.endive",
        "livemode": False,
        "pending_webhooks": 1,
        "data": {"object": checkout},
    }


def _session() -> UploadSession:
    return UploadSession(
        session_id=UploadSessionId(uuid4()),
        order_id=OrderId(uuid4()),
        status=UploadStatus.OPEN,
        opened_at=datetime.now(UTC),
    )


def _photo(session: UploadSession, content: bytes) -> UploadedPhoto:
    return UploadedPhoto(
        photo_id=PhotoId(uuid4()),
        file_name="picnic.jpg",
        upload=StoredObject(
            key=ObjectKey(f"uploads/temp/{session.session_id}/picnic"),
            sha256=Sha256(hashlib.sha256(content).hexdigest()),
            size_bytes=len(content),
            media_type="image/png",
        ),
        width=1200,
        height=900,
    )


def _checkout(session: UploadSession) -> Checkout:
    now = datetime.now(UTC)
    return Checkout(
        attempt=1,
        quoted=_EUROS,
        reserved_at=now,
        expires_at=now + timedelta(hours=1),
        checkout_session_id=f"cs_{session.session_id.hex}",
        url="https://checkout.example",
    )
