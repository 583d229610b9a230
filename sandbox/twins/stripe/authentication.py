"""Stripe's authentication and idempotency keys."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.twins.common import Exchange, Json, exchange_of
from sandbox.twins.common.fault_middleware import answer, answer_json, is_api_call
from sandbox.twins.stripe.account import API_VERSION, Account, new_id
from sandbox.twins.stripe.errors import IdempotencyMismatchError, StripeError
from sandbox.twins.stripe.form_encoding import decode

KEY_LIFE_SECONDS = 24 * 60 * 60
LONGEST_KEY = 255


def is_v1(scope: Scope) -> bool:
    """Whether the request is for the API, not for a page."""
    return is_api_call(scope) and scope["path"].startswith("/v1/")


@dataclass(eq=False)
class Authentication:
    """Require the secret key, and add Stripe's headers to every answer."""

    app: ASGIApp
    secret_key: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if not is_v1(scope):
            await self.app(scope, receive, send)
            return
        headers = exchange_of(scope).headers
        scope["state"]["request_id"] = request_id = new_id("req", 14)
        extra = {"request-id": request_id, "stripe-version": headers.get("stripe-version", API_VERSION)}
        if "idempotency-key" in headers:
            extra["idempotency-key"] = headers["idempotency-key"]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode("latin-1")) for name, value in extra.items()]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        refusal = self._refusal(headers.get("authorization", ""))
        if refusal is None:
            await self.app(scope, receive, send_with_headers)
        else:
            await _answer(send_with_headers, refusal)

    def _refusal(self, authorization: str) -> StripeError | None:
        given = _key_in(authorization)
        if not given:
            return StripeError("You did not provide an API key. Provide it as a Bearer token.", status=401)
        if given != self.secret_key:
            shown = given[:8] + "*" * 8 + given[-4:] if len(given) > len("sk_test_") + 4 else "****"
            return StripeError(f"Invalid API Key provided: {shown}", status=401)
        return None


class IdempotencyKeys:
    """Stored answers by idempotency key, kept for a day."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._in_use: set[str] = set()

    def layer(self, app: ASGIApp) -> ASGIApp:
        """Return a layer that replays stored answers instead of repeating requests."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            key = exchange_of(scope).headers.get("idempotency-key") if is_v1(scope) else None
            if key is None or exchange_of(scope).method != "POST":
                await app(scope, receive, send)
                return
            try:
                saved = self._saved(key, exchange_of(scope))
            except StripeError as error:
                await _answer(send, error)
                return
            if saved is not None:
                replayed = {"idempotent-replayed": "true", "original-request": saved["request_id"]}
                if saved["status"] >= 500:  # noqa: PLR2004 (a retry would only see the same again)
                    replayed["stripe-should-retry"] = "false"
                await answer(send, saved["status"], saved["body"].encode(), replayed)
                return
            self._in_use.add(key)
            try:
                await app(scope, receive, self._storing_faults(scope, send))
            finally:
                self._in_use.discard(key)

        return guarded

    def save(self, exchange: Exchange, request_id: str, status: int, body: str) -> None:
        """Store an answer in its request's transaction; ignored without a key."""
        key = exchange.headers.get("idempotency-key")
        if key is not None and exchange.method == "POST":
            answer = {"status": status, "body": body, "request_id": request_id}
            stamp = {"fingerprint": _fingerprint(exchange), "at": self._account.now()}
            self._account.ledger.put("idempotency_key", key, {"key": key, **stamp, **answer})

    def _saved(self, key: str, exchange: Exchange) -> Json | None:
        if len(key) > LONGEST_KEY:
            raise StripeError(f"An idempotency key can have up to {LONGEST_KEY} characters.")
        if key in self._in_use:
            raise StripeError(
                "There is currently another in-progress request using this Idempotent Key.",
                status=409,
                code="idempotency_key_in_use",
            )
        saved = self._account.ledger.get("idempotency_key", key)
        if saved is None or saved["at"] + KEY_LIFE_SECONDS <= self._account.now():
            return None
        if saved["fingerprint"] != _fingerprint(exchange):
            raise IdempotencyMismatchError(key)
        return saved

    def _storing_faults(self, scope: Scope, send: Send) -> Callable[[Message], Any]:
        """Store a fault's answer of the endpoint, as Stripe stores its 500s."""
        exchange = exchange_of(scope)
        status = 0

        async def kept(message: Message) -> None:
            nonlocal status
            fault = exchange.fault
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body" and fault and fault.do == "status" and fault.saved:
                self.save(exchange, scope["state"]["request_id"], status, message["body"].decode())
            await send(message)

        return kept


def _key_in(authorization: str) -> str:
    """Return a Bearer header's key, or a Basic one's user name."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials).decode().partition(":")[0]
        except ValueError:
            return ""
    return credentials.strip() if scheme.lower() == "bearer" else ""


def _fingerprint(exchange: Exchange) -> str:
    asked = [exchange.path, decode(exchange.body.decode(errors="replace"))]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


async def _answer(send: Send, error: StripeError) -> None:
    await answer_json(send, error.status, error.body(), {})
