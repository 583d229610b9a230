"""Requests without HTTP: each calls the use-case services that its route calls.

The simulation's actors are the same; what only HTTP has is left out: pages, ranges, rate limits, batches of payments.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import structlog

from domain.order.values import Client, Device, ImageId, OrderId, PhotoId, UploadSessionId
from domain.ports.upload_sessions import UploadStatus
from domain.signed_tokens import sha256_of
from domain.use_cases.checkout.referrals_and_points import Codes
from domain.use_cases.delivery.downloads import Delivery
from entrypoints.http.errors import UnknownOrderError
from entrypoints.http.problem_details import problem_of
from entrypoints.http.problem_kinds import INTERNAL
from tests.doubles.container import ShopOfDoubles
from tests.simulation.requests import Answer, Server
from tests.simulation.scheduler import Process, Scheduler

_log = structlog.get_logger(__name__)
_CLIENT = Client(network=None, device=Device.UNKNOWN)


@dataclass(frozen=True)
class Call:
    """A request, and the shop that it is for."""

    shop: ShopOfDoubles
    target: str
    body: bytes
    headers: Mapping[str, str]
    is_looking: bool = False  # a HEAD: nothing is sent

    @property
    def is_from_browser(self) -> bool:
        """Whether a page is preferred, or a redirect to one."""
        return "text/html" in self.headers.get("accept", "")

    @property
    def request_id(self) -> UUID:
        """The id under which its cause is recorded."""
        return UUID(self.headers["x-request-id"])


def _open_session(call: Call) -> Answer:
    return _json(201, session_id=str(call.shop.upload_service.open().session_id))


def _send_photo(call: Call, session: str) -> Answer:
    service, session_id = call.shop.upload_service, UploadSessionId(UUID(session))
    service.check_can_add(session_id)
    name = parse_qs(urlsplit(call.target).query)["filename"][0]
    added = service.add(session_id, name, BytesIO(call.body), len(call.body))
    return _json(200 if added.is_duplicate else 201, photo_id=str(added.photo.photo_id))


def _remove_photo(call: Call, session: str, photo: str) -> Answer:
    call.shop.photo_removal.remove(UploadSessionId(UUID(session)), PhotoId(UUID(photo)))
    return _answer(204)


def _show_session(call: Call, session: str) -> Answer:
    seen = call.shop.upload_service.find(UploadSessionId(UUID(session)))
    order_url = f"/{seen.order_id}" if seen.status is UploadStatus.PAID else None
    return _answer(303) if call.is_from_browser else _json(200, order_url=order_url)


def _open_checkout(call: Call) -> Answer:
    given = json.loads(call.body)
    call.shop.log_heads.check()
    checkout = call.shop.checkout_service.open(
        UploadSessionId(UUID(given["session_id"])),
        email=None,
        codes=Codes(referral=given.get("referral_code"), points=given.get("points_code")),
        client=_CLIENT,
    )
    return _json(201, url=checkout.url)


def _show_order(call: Call, order: str) -> Answer:
    order_id = OrderId(UUID(order))
    if not call.shop.queries.history(order_id):
        raise UnknownOrderError(order_id)
    call.shop.queries.file_names(order_id)
    return _answer(200)


def _show_album(call: Call, token: str) -> Answer:
    call.shop.photo_galleries.open(token)
    return _answer(200)


def _send_archive(call: Call, token: str) -> Answer:
    delivery = call.shop.downloads.find(token)
    is_old_link = not urlsplit(call.target).path.endswith("/archive")
    return _answer(303) if is_old_link and call.is_from_browser else _sent(call, delivery)


def _send_image(call: Call, token: str, image: str) -> Answer:
    return _sent(call, call.shop.downloads.find(token, ImageId(UUID(image))))


def _sent(call: Call, delivery: Delivery) -> Answer:
    if call.is_looking:
        return _answer(200)
    with call.shop.storage.read(delivery.content.key) as chunks:
        body = b"".join(chunks)
    call.shop.downloads.record_served(delivery, _CLIENT, call.request_id)
    return _answer(200, body=body)


def _fetch(call: Call, token: str, file: str) -> Answer:
    image_id = None if file == "archive" else ImageId(UUID(file))
    call.shop.downloads.record_download(call.shop.downloads.find(token, image_id), _CLIENT, call.request_id)
    return _answer(303, location=file)


def _redo(call: Call, token: str, image: str) -> Answer:
    call.shop.customer_requests.redo(token, ImageId(UUID(image)), call.request_id)
    return _answer(202)


def _renew(call: Call, token: str) -> Answer:
    call.shop.customer_requests.renew_link(token, call.request_id)
    return _answer(202)


def _resend(call: Call, order: str) -> Answer:
    order_id = OrderId(UUID(order))
    if not call.shop.queries.order(order_id).version:
        raise UnknownOrderError(order_id)
    call.shop.customer_requests.resend(order_id, call.request_id)
    return _answer(202)


def _from_stripe(call: Call) -> Answer:
    event = call.shop.payment_webhook_parser.read(call.body, call.headers)
    call.shop.log_heads.check()
    call.shop.payment_webhook.handle(event, sha256_of(call.body))
    return _answer(200)


def _from_replicate(call: Call, order: str, image: str, attempt: str, token: str) -> Answer:
    address = OrderId(UUID(order)), ImageId(UUID(image)), int(attempt)
    call.shop.prediction_webhook.verify_token(token, *address)
    call.shop.log_heads.check()
    event = call.shop.prediction_webhook_parser.read(call.body, call.headers)
    call.shop.prediction_webhook.handle(event, *address, sha256_of(call.body))
    return _answer(200)


def _from_sendgrid(call: Call) -> Answer:
    call.shop.log_heads.check()
    call.shop.email_webhook.handle(call.shop.email_webhook_parser.read(call.body, call.headers))
    return _answer(200)


_ID, _TOKEN = "([0-9a-f-]{36})", "([^/]+)"
_ROUTES: dict[str, Callable[..., Answer]] = {
    "POST /api/uploads": _open_session,
    f"POST /api/uploads/{_ID}/photos": _send_photo,
    f"DELETE /api/uploads/{_ID}/photos/{_ID}": _remove_photo,
    f"GET /api/uploads/{_ID}": _show_session,
    "POST /api/checkout-sessions": _open_checkout,
    f"GET /api/restoration/status/{_ID}": _show_order,
    f"GET /api/download/{_TOKEN}/photos": _show_album,
    f"GET /api/download/{_TOKEN}(?:/archive)?": _send_archive,
    f"GET /api/download/{_TOKEN}/{_ID}": _send_image,
    f"POST /api/download/{_TOKEN}/(archive|{_ID[1:-1]})": _fetch,
    f"POST /api/download/{_TOKEN}/{_ID}/redo": _redo,
    f"POST /api/download/{_TOKEN}/renew": _renew,
    f"POST /api/email/resend/{_ID}": _resend,
    "POST /api/webhooks/stripe": _from_stripe,
    f"POST /api/webhooks/replicate/{_ID}/{_ID}/([0-9]+)/{_TOKEN}": _from_replicate,
    "POST /api/webhooks/sendgrid": _from_sendgrid,
}


class ServiceCalls(Server):
    """The services of the shop that is open now."""

    def __init__(self) -> None:
        self._shop: Any = None

    def open(self, shop: object) -> None:
        """Serve another shop from now on."""
        self._shop = shop

    def ask(
        self,
        scheduler: Scheduler,  # noqa: ARG002 -- a service runs in the task that asks
        process: Process,  # noqa: ARG002
        method: str,
        target: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call the services of a route; errors have their status in HTTP."""
        call = Call(self._shop, target, body, headers or {}, is_looking=method == "HEAD")
        route = f"{'GET' if call.is_looking else method} {urlsplit(target).path}"
        matches = ((re.fullmatch(pattern, route), handle) for pattern, handle in _ROUTES.items())
        try:
            return next((handle(call, *match.groups()) for match, handle in matches if match), _answer(404))
        except Exception as error:  # noqa: BLE001 -- as the application answers any error
            status = problem_of(error).kind.status
            if status == INTERNAL.status:
                _log.exception("request_failed")
            return _answer(status)


def _answer(status: int, *, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, headers, body, is_whole=True)


def _json(status: int, **fields: str | None) -> Answer:
    return _answer(status, body=json.dumps(fields).encode())
