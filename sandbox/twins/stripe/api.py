"""The API /v1."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from sandbox.twins.common import GIVEN, Json, exchange_of
from sandbox.twins.common.control import answer_in_plain_json
from sandbox.twins.stripe import checkout, coupons, form_values, lists, payment, refunds, webhook_endpoints
from sandbox.twins.stripe.account import Account, account_object
from sandbox.twins.stripe.authentication import IdempotencyKeys
from sandbox.twins.stripe.checkout import SESSION
from sandbox.twins.stripe.errors import StripeError, answer_stripe_error
from sandbox.twins.stripe.form_encoding import decode

Call = Request[Any, Any, State]
Operation = Callable[..., Json]  # of account, parameters and the id in the path

_SESSIONS = "/v1/checkout/sessions"
_REFUNDS = "/v1/refunds"
_COUPONS = "/v1/coupons"
_EVENTS = "/v1/events"
_INTENTS = "/v1/payment_intents"
_CHARGES = "/v1/charges"
_DISPUTES = "/v1/disputes"


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


def _one(kind: str, param: str = "id") -> Operation:
    """The operation that returns an object of a kind."""

    def load(account: Account, _: Json, object_id: str) -> Json:
        return account.load(kind, object_id, param)

    return load


def _list(kind: str, path: str, *filters: str) -> Operation:
    """The operation that lists a kind's objects, which these fields may filter."""

    def listed(account: Account, params: Json) -> Json:
        return lists.listed(account, kind, path, params, frozenset(filters))

    return listed


def _expire(account: Account, _: Json, object_id: str) -> Json:
    return payment.expire(account, account.load(SESSION, object_id, "session"))


def _line_items(account: Account, params: Json, object_id: str) -> Json:
    return lists.line_items(account, object_id, params)


def _coupon(account: Account, _: Json, object_id: str) -> Json:
    return coupons.find(account, object_id)


def answer_routing_error(request: Call, error: HTTPException) -> Response[Json]:
    """Answer unknown /v1 addresses in Stripe's format, others in plain JSON."""
    if not request.url.path.startswith("/v1/"):
        return answer_in_plain_json(request, error)
    message = f"Unrecognized request URL ({request.method}: {request.url.path})."
    return answer_stripe_error(request, StripeError(message, status=404))


def _account(account: Account, _: Json) -> Json:
    return account_object(account)


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
    return lists.paged(found, _EVENTS, params)


def _route(method: Callable[..., Any], path: str, operation: Operation) -> HTTPRouteHandler:
    """The route of an operation; what the path names is its keyword."""

    def answer(request: Call, api: Api = GIVEN) -> Response[str]:
        return api.answer(request, partial(operation, **request.path_params))

    route: HTTPRouteHandler = method(path, sync_to_thread=False)(answer)
    return route


_ID = "/{object_id:str}"
HANDLERS = [
    _route(post, _SESSIONS, checkout.create),
    _route(get, _SESSIONS, _list(SESSION, _SESSIONS, "payment_intent", "status", "customer_details.email")),
    _route(get, _SESSIONS + _ID, _one(SESSION, "session")),
    _route(get, f"{_SESSIONS}{_ID}/line_items", _line_items),
    _route(post, f"{_SESSIONS}{_ID}/expire", _expire),
    _route(post, _REFUNDS, refunds.create),
    _route(get, _REFUNDS, _list("refund", _REFUNDS, "payment_intent", "charge")),
    _route(get, _REFUNDS + _ID, _one("refund")),
    _route(post, _COUPONS, coupons.create),
    _route(get, _COUPONS + _ID, _coupon),
    _route(get, _EVENTS, _list_events),
    _route(get, _EVENTS + _ID, _one("event")),
    _route(get, "/v1/account", _account),
    _route(get, webhook_endpoints.PATH, webhook_endpoints.listed),
    _route(post, webhook_endpoints.PATH, webhook_endpoints.create),
    _route(post, webhook_endpoints.PATH + _ID, webhook_endpoints.update),
    _route(get, _INTENTS, _list("payment_intent", _INTENTS, "customer")),
    _route(get, _INTENTS + _ID, _one("payment_intent")),
    _route(get, _CHARGES, _list("charge", _CHARGES, "payment_intent")),
    _route(get, _CHARGES + _ID, _one("charge")),
    _route(get, _DISPUTES, _list("dispute", _DISPUTES, "payment_intent", "charge")),
    _route(get, _DISPUTES + _ID, _one("dispute")),
]
