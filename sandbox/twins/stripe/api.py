"""The API /v1."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from litestar import Controller, MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from sandbox.twins.common import GIVEN, Json, exchange_of
from sandbox.twins.common.control import answer_in_plain_json
from sandbox.twins.stripe import checkout, coupons, form_values, lists, payment, refunds
from sandbox.twins.stripe.account import Account
from sandbox.twins.stripe.authentication import IdempotencyKeys
from sandbox.twins.stripe.checkout import SESSION
from sandbox.twins.stripe.errors import StripeError, answer_stripe_error
from sandbox.twins.stripe.form_encoding import decode

Call = Request[Any, Any, State]
Operation = Callable[[Account, Json], Json]


@dataclass(eq=False)
class Api:
    """Run operations and answer as Stripe does."""

    account: Account
    keys: IdempotencyKeys

    def answer(self, call: Call, operation: Operation) -> Response[str]:
        """Run the operation and store its answer, in one transaction."""
        exchange = exchange_of(call.scope)
        request_id = call.scope["state"]["request_id"]
        sent = exchange.body if exchange.method == "POST" else call.scope["query_string"]
        params = decode(sent.decode(errors="replace"))
        with self.account.requested_by(request_id, exchange.headers.get("idempotency-key")):
            result = lists.expand(self.account, operation(self.account, params), params)
            body = json.dumps(self._with_urls(result), indent=2)
            self.keys.save(exchange, request_id, 200, body)
        return Response(body, media_type=MediaType.JSON, status_code=200)

    def _with_urls(self, answer: Json) -> Json:
        """Set the payment pages' URLs, which change with the twin's port."""
        for one in answer["data"] if answer["object"] == "list" else [answer]:
            if one["object"] == SESSION and one["status"] == "open":
                one["url"] = f"{self.account.url}/c/pay/{one['id']}"
        return answer


class Sessions(Controller):
    """Checkout sessions."""

    path = "/v1/checkout/sessions"

    @post("/", sync_to_thread=False)
    def create(self, request: Call, api: Api = GIVEN) -> Response[str]:
        """Create a session."""
        return api.answer(request, checkout.create)

    @get("/", sync_to_thread=False)
    def find(self, request: Call, api: Api = GIVEN) -> Response[str]:
        """List sessions."""
        filters = frozenset({"payment_intent", "status", "customer_details.email"})
        return api.answer(
            request, lambda account, params: lists.listed(account, SESSION, self.path, params, filters)
        )

    @get("/{session_id:str}", sync_to_thread=False)
    def read(self, request: Call, session_id: str, api: Api = GIVEN) -> Response[str]:
        """Return a session."""
        return api.answer(request, lambda account, _: account.load(SESSION, session_id, "session"))

    @get("/{session_id:str}/line_items", sync_to_thread=False)
    def items(self, request: Call, session_id: str, api: Api = GIVEN) -> Response[str]:
        """List a session's line items."""
        return api.answer(request, lambda account, params: lists.line_items(account, session_id, params))

    @post("/{session_id:str}/expire", sync_to_thread=False)
    def expire(self, request: Call, session_id: str, api: Api = GIVEN) -> Response[str]:
        """Expire an open session."""
        return api.answer(
            request, lambda account, _: payment.expire(account, account.load(SESSION, session_id, "session"))
        )


class Refunds(Controller):
    """Refunds."""

    path = "/v1/refunds"

    @post("/", sync_to_thread=False)
    def create(self, request: Call, api: Api = GIVEN) -> Response[str]:
        """Create a refund."""
        return api.answer(request, refunds.create)

    @get("/", sync_to_thread=False)
    def find(self, request: Call, api: Api = GIVEN) -> Response[str]:
        """List refunds."""
        filters = frozenset({"payment_intent", "charge"})
        return api.answer(
            request, lambda account, params: lists.listed(account, "refund", self.path, params, filters)
        )

    @get("/{refund_id:str}", sync_to_thread=False)
    def read(self, request: Call, refund_id: str, api: Api = GIVEN) -> Response[str]:
        """Return a refund."""
        return api.answer(request, lambda account, _: account.load("refund", refund_id))


class Coupons(Controller):
    """Coupons: a percentage or an amount."""

    path = "/v1/coupons"

    @post("/", sync_to_thread=False)
    def create(self, request: Call, api: Api = GIVEN) -> Response[str]:
        """Create a coupon."""
        return api.answer(request, coupons.create)

    @get("/{coupon_id:str}", sync_to_thread=False)
    def read(self, request: Call, coupon_id: str, api: Api = GIVEN) -> Response[str]:
        """Return a coupon."""
        return api.answer(request, lambda account, _: coupons.find(account, coupon_id))


class Events(Controller):
    """Events, delivered by webhook or not."""

    path = "/v1/events"

    @get("/", sync_to_thread=False)
    def find(self, request: Call, api: Api = GIVEN) -> Response[str]:
        """List events."""
        return api.answer(request, _list_events)

    @get("/{event_id:str}", sync_to_thread=False)
    def read(self, request: Call, event_id: str, api: Api = GIVEN) -> Response[str]:
        """Return an event."""
        return api.answer(request, lambda account, _: account.load("event", event_id))


class WebhookEndpoints(Controller):
    """The one webhook endpoint, if there is one."""

    path = "/v1/webhook_endpoints"

    @get("/", sync_to_thread=False)
    def find(self, request: Call, api: Api = GIVEN) -> Response[str]:
        """List it."""
        return api.answer(request, _list_endpoints)


def readable(kind: str, filters: frozenset[str]) -> type[Controller]:
    """Return a controller for objects that the API only lists and returns."""

    class Readable(Controller):
        path = f"/v1/{kind}s"

        @get("/", sync_to_thread=False)
        def find(self, request: Call, api: Api = GIVEN) -> Response[str]:
            """List the objects."""
            return api.answer(
                request, lambda account, params: lists.listed(account, kind, self.path, params, filters)
            )

        @get("/{object_id:str}", sync_to_thread=False)
        def read(self, request: Call, object_id: str, api: Api = GIVEN) -> Response[str]:
            """Return an object."""
            return api.answer(request, lambda account, _: account.load(kind, object_id))

    return Readable


HANDLERS: list[type[Controller]] = [
    Sessions,
    Refunds,
    Coupons,
    Events,
    WebhookEndpoints,
    readable("payment_intent", frozenset({"customer"})),
    readable("charge", frozenset({"payment_intent"})),
    readable("dispute", frozenset({"payment_intent", "charge"})),
]


def answer_routing_error(request: Call, error: HTTPException) -> Response[Json]:
    """Answer unknown /v1 addresses in Stripe's format, others in plain JSON."""
    if not request.url.path.startswith("/v1/"):
        return answer_in_plain_json(request, error)
    message = f"Unrecognized request URL ({request.method}: {request.url.path})."
    return answer_stripe_error(request, StripeError(message, status=404))


def _list_endpoints(account: Account, params: Json) -> Json:
    form_values.known(params, lists.PAGING - {"created"})
    settings = account.settings
    endpoint: Json = {
        "id": "we_twin",
        "object": "webhook_endpoint",
        "api_version": settings.endpoint_api_version,
        "application": None,
        "created": 0,
        "description": None,
        "enabled_events": list(settings.enabled_events),
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": settings.webhook_url,
    }
    return lists.paged([endpoint] if settings.webhook_url else [], WebhookEndpoints.path, params)


def _list_events(account: Account, params: Json) -> Json:
    form_values.known(params, lists.PAGING | {"delivery_success", "type", "types"})
    types = [*params.get("types", []), *([params["type"]] if "type" in params else [])]
    wanted = params.get("delivery_success")
    found = [
        event
        for event in account.ledger.find("event")
        if (not types or event["type"] in types)
        and lists.created_within(event, params)
        and (wanted is None or account.was_delivered(event) == (wanted == "true"))
    ]
    return lists.paged(found, Events.path, params)
