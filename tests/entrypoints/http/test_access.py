"""Who may use each route, in a table of all routes.

Ids and tokens are unknown, another customer's, expired, revoked, shared or of an erased customer.

The table of routes is the application's own: a route without an entry fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from domain.order.values import OrderId, UploadSessionId
from domain.use_cases.support.staff_requests import StaffRequest
from entrypoints.http import event_stream
from tests.entrypoints.support.http_fixtures import PORTRAIT, HttpShop, application

Route = tuple[str, str]

TUS = {"Tus-Resumable": "1.0.0", "Upload-Length": "8", "Upload-Offset": "0"}
PIECE_TYPE, OCTETS = "application/offset+octet-stream", "application/octet-stream"

#: Bodies that nothing but the case can make refusable, by the end of their route.
BODIES = {
    "/email": ("application/json", b'{"email": "new@customer.example"}'),
    "/address": ("application/x-www-form-urlencoded", b"email=new%40customer.example"),
}


#: Routes that need neither id nor token: every client gets the same answer.
PUBLIC: set[Route] = {
    *(("GET", path) for path in ("/", "/contact", "/imprint", "/privacy", "/robots.txt", "/favicon.ico")),
    ("GET", "/assets/{revision}/{name}"),
    *(("GET", path) for path in ("/reference", "/health/live", "/health/ready")),
    *(("GET", path) for path in ("/schema", "/schema/openapi.json", "/schema/{path}")),
    *((method, "/problems/{problem}") for method in ("GET", "HEAD")),
    ("GET", "/uploads"),
    ("POST", "/uploads"),
    ("POST", "/api/uploads"),
    # The session is in the body; tested with checkouts. Signatures are tested with webhooks.
    ("POST", "/api/checkout-sessions"),
    ("POST", "/api/webhooks/stripe"),
    ("POST", "/api/webhooks/sendgrid"),
}

#: Routes of schedulers, whose key is in a header: tested with the calls of workers.
KEYED: set[Route] = {("GET", "/api/workers"), ("HEAD", "/api/workers"), ("POST", "/api/workers/{worker}")}

_LINK = {"unknown": 404, "expired": 410, "revoked": 410, "erased": 410}
_PHOTO_BEHIND_LINK = {**_LINK, "foreign": 404}
_OWN_LINK = {**_LINK, "shared": 403}
_ORDER = {"unknown": 404, "erased": 200}
_PHOTO_OF_ORDER = {"unknown": 404, "foreign": 404, "erased": 404}
_SESSION = {"unknown": 404, "erased": 200}
_CHANGED_SESSION = {"unknown": 404, "expired": 409, "revoked": 409, "erased": 409}
_PHOTO_OF_SESSION = {"unknown": 404, "foreign": 404, "expired": 404, "erased": 404}

#: The answer of each other route by case. Expired and revoked stand for a session too: one that was cleaned up, and one
#: that was paid. An order's id shows the order for good, and its session until erasure; a photo that is not there is
#: removed already, and the pages' forms then lead to their page.
ACCESS: dict[Route, Mapping[str, int]] = {
    **{("GET", f"/api/download/{{token}}{path}"): _LINK for path in ("", "/archive", "/photos")},
    ("POST", "/api/download/{token}/archive"): _LINK,
    **{("GET", f"/api/download/{{token}}/{{image}}{path}"): _PHOTO_BEHIND_LINK for path in ("", "/original")},
    ("POST", "/api/download/{token}/{image}"): _PHOTO_BEHIND_LINK,
    ("POST", "/api/download/{token}/{image}/redo"): {**_PHOTO_BEHIND_LINK, "shared": 409},
    # The answer does not disclose which tokens exist.
    ("POST", "/api/download/{token}/renew"): dict.fromkeys(["unknown", "expired", "revoked", "erased"], 202),
    ("POST", "/api/download/{token}/share"): _OWN_LINK,
    ("DELETE", "/api/download/{token}/share"): _OWN_LINK,
    ("POST", "/api/download/{token}/share/revoke"): _OWN_LINK,
    ("GET", "/api/orders/{order}"): {**_ORDER, "shared": 200},
    ("GET", "/api/orders/{order}/events"): _ORDER,
    ("GET", "/api/restoration/status/{order}"): _ORDER,
    ("GET", "/api/orders/{order}/photos/{image}/preview"): _PHOTO_OF_ORDER,
    ("POST", "/api/restoration/status/{order}"): {"unknown": 404, "erased": 409},
    # They lead to the page, which says that there is no such session.
    **{
        ("GET", f"/uploads/{{session}}/{form}"): dict.fromkeys(
            ["unknown", "expired", "revoked", "erased"], 303
        )
        for form in ("pay", "photos", "change", "photos/{photo}/remove")
    },
    ("GET", "/uploads/{session}/address"): {"unknown": 404, "expired": 303, "revoked": 303, "erased": 303},
    ("POST", "/uploads/{session}/address"): {"unknown": 404, "expired": 303, "revoked": 422, "erased": 422},
    ("POST", "/api/email/resend/{order}"): {"unknown": 404, "erased": 409},
    ("GET", "/api/uploads/{session}"): _SESSION,
    ("GET", "/api/uploads/{session}/photos"): _SESSION,
    ("POST", "/api/uploads/{session}/photos"): _CHANGED_SESSION,
    ("DELETE", "/api/uploads/{session}/photos/{photo}"): {
        "unknown": 404,
        "foreign": 204,
        "expired": 204,
        "revoked": 409,
        "erased": 204,
    },
    ("GET", "/api/uploads/{session}/photos/{photo}/preview"): _PHOTO_OF_SESSION,
    ("DELETE", "/api/uploads/{session}/checkout"): _CHANGED_SESSION,
    # The revoked session is paid and its order over.
    ("PUT", "/api/uploads/{session}/email"): dict.fromkeys(["expired", "revoked", "erased"], 409)
    | {"unknown": 404},
    ("POST", "/api/uploads/{session}/tus"): _CHANGED_SESSION,
    **{
        (method, "/api/uploads/{session}/tus/{upload}"): {**_PHOTO_OF_SESSION, "revoked": 404}
        for method in ("HEAD", "PATCH", "DELETE")
    },
    ("POST", "/api/webhooks/replicate/{order}/{image}/{attempt}/{token}"): dict.fromkeys(
        ["unknown", "foreign", "expired", "revoked", "shared", "erased"], 400
    ),
    ("GET", "/uploads/{session}"): {"unknown": 404, "erased": 303},
    ("POST", "/uploads/{session}/photos"): _CHANGED_SESSION,
    ("POST", "/uploads/{session}/photos/{photo}/remove"): {
        "unknown": 404,
        "foreign": 303,
        "expired": 303,
        "revoked": 409,
        "erased": 303,
    },
    ("POST", "/uploads/{session}/change"): _CHANGED_SESSION,
    ("POST", "/uploads/{session}/pay"): {"unknown": 404, "expired": 303, "revoked": 303, "erased": 303},
}

#: Who may get may ask for the headers alone; the framework's own routes of the OpenAPI document know no HEAD.
ACCESS |= {("HEAD", path): cases for (method, path), cases in ACCESS.items() if method == "GET"}
PUBLIC |= {("HEAD", path) for method, path in PUBLIC if method == "GET" and not path.startswith("/schema")}


@dataclass(frozen=True, kw_only=True)
class World:
    """A shop, and the path parameters that a client knows."""

    shop: HttpShop
    values: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Customer:
    """What one customer knows."""

    order_id: OrderId
    paid_session: UploadSessionId
    token: str
    image: str
    session: UploadSessionId
    photo: str
    upload: str

    @classmethod
    def of(cls, shop: HttpShop, photo: bytes = PORTRAIT, email: str = "ada@customer.example") -> "Customer":
        paid = shop.upload(photo)
        order_id = shop.pay(paid, email=email)
        shop.live(order_id)
        (image,) = shop.order(order_id).images
        session = shop.upload(photo)
        (sent,) = shop.upload_service.find(session).photos
        begun = shop.resumable_uploads.create(
            session, file_name="great-aunt.jpg", metadata="", size_bytes=8
        ).upload
        return cls(
            order_id=order_id,
            paid_session=paid,
            token=shop.token(order_id),
            image=str(image),
            session=session,
            photo=str(sent.photo_id),
            upload=str(begun.upload_id),
        )

    @property
    def values(self) -> dict[str, str]:
        return {
            "order": str(self.order_id),
            "token": self.token,
            "image": self.image,
            "session": str(self.session),
            "photo": self.photo,
            "upload": self.upload,
            "attempt": "1",
        }


def unknown(shop: HttpShop) -> dict[str, str]:
    mine = Customer.of(shop).values
    return {**mine, "order": str(uuid4()), "session": str(uuid4()), "token": "A" * 43}


def foreign(shop: HttpShop) -> dict[str, str]:
    mine, yours = Customer.of(shop), Customer.of(shop, b"your grandfather", "grace@customer.example")
    return {
        **mine.values,
        "order": yours.values["order"],
        "session": yours.values["session"],
        "token": yours.token,
    }


def expired(shop: HttpShop) -> dict[str, str]:
    mine = Customer.of(shop)
    shop.clock.advance(days=31)
    shop.upload_cleanup.tidy()
    return mine.values


def revoked(shop: HttpShop) -> dict[str, str]:
    mine = Customer.of(shop)
    by = StaffRequest(actor="person:grace", reason="it was forwarded")
    shop.staff_actions.renew_link(mine.order_id, by, revokes_others=True)
    return {**mine.values, "session": str(mine.paid_session), "photo": mine.image}


def shared(shop: HttpShop) -> dict[str, str]:
    mine = Customer.of(shop)
    return {**mine.values, "token": shop.shared_links.share(mine.token, uuid4())}


def erased(shop: HttpShop) -> dict[str, str]:
    mine = Customer.of(shop)
    shop.customer_erasure.erase("ada@customer.example", actor="person:grace", reason="asked for it")
    shop.work()
    return {**mine.values, "session": str(mine.paid_session), "photo": mine.image}


CASES = {
    "unknown": unknown,
    "foreign": foreign,
    "expired": expired,
    "revoked": revoked,
    "shared": shared,
    "erased": erased,
}


@cache
def world(case: str) -> World:
    shop = HttpShop()
    if case == "shared":
        opened = World(shop=shop, values=CASES[case](shop))
        with TestClient(application(shop)) as http:  # a file that was sent through the link is in the history
            assert ask(http, "GET", "/api/download/{token}".format(**opened.values)).status_code == 200
        return opened
    return World(shop=shop, values=CASES[case](shop))


def routes() -> set[Route]:
    return {
        (method, route.path_format)
        for route in application(HttpShop()).routes
        if isinstance(route, HTTPRoute)
        for method in route.methods - {"OPTIONS"}
    }


def ask(http: TestClient[Litestar], method: str, path: str) -> httpx.Response:
    kind, body = next((sent for end, sent in BODIES.items() if path.endswith(end)), (OCTETS, b""))
    if method in {"POST", "PATCH"} and ("photos" in path or "tus" in path):
        kind, body = PIECE_TYPE if "tus" in path else OCTETS, b"portrait"
    headers = {**TUS, "Content-Type": kind, "Last-Event-ID": "0"}
    return http.request(method, path, headers=headers, content=body, follow_redirects=False)


def state_of(shop: HttpShop) -> list[object]:
    """What a refused request must not change."""
    pages = shop.own_unit_of_work.pages
    photos = [page.session.photos for page in pages.uploads.values()]
    return [dict(pages.streams), photos, dict(pages.resumable), dict(shop.storage.objects)]


def test_each_route_says_who_may_use_it() -> None:
    assert routes() == set(ACCESS) | PUBLIC | KEYED
    assert not set(ACCESS) & PUBLIC
    assert not (set(ACCESS) | PUBLIC) & KEYED


@pytest.mark.parametrize("route", sorted(KEYED), ids=" ".join)
def test_no_route_of_schedulers_answers_without_its_key(route: Route) -> None:
    method, path = route
    with TestClient(application(HttpShop())) as http:
        assert ask(http, method, path.format(worker="sweeper")).status_code == 401


@pytest.mark.parametrize(
    ("case", "route", "status"),
    [(case, route, status) for route, cases in ACCESS.items() for case, status in cases.items()],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_access(case: str, route: Route, status: int) -> None:
    known = world(case)
    method, path = route
    before = state_of(known.shop)
    with TestClient(application(known.shop), raise_server_exceptions=False) as http:
        answer = ask(http, method, path.format(**known.values))
    assert answer.status_code == status
    if status >= 400 or case == "erased":
        assert state_of(known.shop) == before
        assert PORTRAIT not in answer.content
        assert b"great-aunt" not in answer.content


@pytest.mark.parametrize("path", sorted(path for method, path in set(ACCESS) | PUBLIC if method == "GET"))
def test_the_headers_of_each_get_route_can_be_requested_alone(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if path.startswith("/schema"):
        return
    monkeypatch.setattr(event_stream, "STREAM_SECONDS", 0.0)
    shop = HttpShop()
    address = path.format(**Customer.of(shop).values, revision="0", name="style.css", problem="body-empty")
    with TestClient(application(shop), raise_server_exceptions=False) as http:
        whole, head = ask(http, "GET", address), ask(http, "HEAD", address)
    assert head.status_code == whole.status_code < 400
    assert head.content == b""
    for name in ("content-type", "content-length", "etag", "location", "cache-control"):
        assert head.headers.get(name) == whole.headers.get(name), name
