"""A visitor who forges messages, malformed requests and download links."""

import json
import time
from collections.abc import Generator
from uuid import UUID, uuid5

from tests.chaos.customers import Visitors
from tests.chaos.schedule import Visit
from tests.chaos.visits import FORGED, Ending, Experience, Forgery, Visits

_NAMES = UUID(int=1926)


def forge(visitors: Visitors, visits: Visits, lived: Experience) -> Generator[float, None, None]:
    """Try each forgery once.

    The marks show afterwards whether any of it was stored.
    """
    marker = f"{FORGED}_{lived.visit.number:06}"
    for what, path, request in _attempts(lived.visit, marker, _any_order(visits)):
        method = "GET" if not request else "POST"
        answer = yield from visitors.insist(method, f"{visitors.shop}{path}", **request)
        visits.forgeries.append(Forgery(what=what, marker=marker, status=answer.status_code))
    lived.ending = Ending.LEFT


def _any_order(visits: Visits) -> str:
    """The id of an existing order, if there is one.

    A forger may know it from a page that a customer shared.
    """
    known = [lived.order_id for lived in visits.experiences if lived.order_id]
    return known[-1] if known else str(uuid5(_NAMES, "no order"))


def _attempts(visit: Visit, marker: str, order_id: str) -> list[tuple[str, str, dict[str, object]]]:
    webhooks, now = "/api/webhooks", int(time.time())
    image_id = uuid5(_NAMES, f"{visit.number}")
    event = {"id": f"evt_{marker}", "object": "event", "type": "checkout.session.completed", "data": {}}
    body = json.dumps(event).encode()
    mail = json.dumps([{"event": "bounce", "sg_event_id": marker, "order_id": order_id, "email_id": marker}])
    sendgrid_headers = {
        "X-Twilio-Email-Event-Webhook-Signature": "MEUCIQDforged",
        "X-Twilio-Email-Event-Webhook-Timestamp": str(now),
    }
    return [
        ("a payment without a signature", f"{webhooks}/stripe", {"content": body}),
        (
            "a payment with a made-up signature",
            f"{webhooks}/stripe",
            {"content": body, "headers": {"Stripe-Signature": f"t={now},v1={'0' * 64}"}},
        ),
        (
            "an output at a made-up address",
            f"{webhooks}/replicate/{order_id}/{image_id}/1/{marker}",
            {"json": {"id": marker, "status": "succeeded", "output": "http://127.0.0.1:1/mine.png"}},
        ),
        (
            "a bounce with a made-up signature",
            f"{webhooks}/sendgrid",
            {"content": mail.encode(), "headers": sendgrid_headers},
        ),
        ("a message that is no JSON", f"{webhooks}/sendgrid", {"content": marker.encode()}),
        (
            "a checkout that names its own price",
            "/api/checkout-sessions",
            {"json": {"session_id": str(image_id), "amount": 1, "currency": marker}},
        ),
        (
            "a photo for a session that does not exist",
            f"/api/uploads/{image_id}/photos?filename={marker}.jpg",
            {"content": marker.encode(), "headers": {"Content-Type": "image/jpeg"}},
        ),
        ("a link that was never issued", f"/api/download/{marker}", {}),
    ]
