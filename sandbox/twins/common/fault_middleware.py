"""Recording of requests, and the faults that change their answers.

The layers from outside in: `Recorder` (reads the body, records, aborts the connection of a lost reply), the
provider's own layers (Stripe's idempotency keys), `FaultMiddleware`, the twin's handlers. So an idempotency key
counts a lost reply as answered, as at the provider.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    Message,
    Receive,
    Scope,
    Send,
)

from sandbox.twins.common.faults import REQUEST_ACTIONS, ArmedFault, FaultRules
from sandbox.twins.common.recorded_state import TwinState

Layer = Callable[[ASGIApp], ASGIApp]
#: The control API is neither recorded nor affected by faults.
CONTROL_PREFIX = "/_twin"


@dataclass
class Exchange:
    """What the layers share about one request."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    fault: ArmedFault | None = None
    #: The caller gets no answer, only a closed connection.
    cut: bool = False


def exchange_of(scope: Scope) -> Exchange:
    """Return the scope's exchange; every request outside /_twin has one."""
    return cast("Exchange", scope["state"]["exchange"])


def is_api_call(scope: Scope) -> bool:
    """Whether the request is for the provider's API, not for control."""
    return scope["type"] == ScopeType.HTTP and not scope["path"].startswith(CONTROL_PREFIX)


@dataclass(eq=False)
class Recorder:
    """Record each request and its answer; abort connections of lost replies."""

    app: ASGIApp
    ledger: TwinState

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if not is_api_call(scope):
            await self.app(scope, receive, send)
            return
        exchange = await _read(scope, receive)
        scope["state"]["exchange"] = exchange
        request_id = self.ledger.open_request(
            exchange.method,
            exchange.path,
            scope["query_string"].decode("latin-1"),
            exchange.headers.get("idempotency-key"),
            exchange.body,
        )
        status: int | None = None

        async def pass_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            if not exchange.cut:
                await send(message)

        try:
            await self.app(scope, _replay(exchange.body, receive), pass_on)
        except asyncio.CancelledError:
            # The process is ending: the connection is closed without an answer.
            exchange.cut = True
        outcome = "answered" if exchange.fault is None else exchange.fault.do
        self.ledger.close_request(request_id, status, outcome)
        if exchange.cut:
            await _hang_up(scope, receive)


@dataclass(eq=False)
class FaultMiddleware:
    """Apply the faults that concern requests."""

    app: ASGIApp
    faults: FaultRules
    error_body: Callable[[int], object]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if not is_api_call(scope):
            await self.app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        exchange.fault = fault = self.faults.take(f"{exchange.method} {exchange.path}", REQUEST_ACTIONS)
        if fault is None:
            await self.app(scope, receive, send)
        elif fault.do == "refuse":
            exchange.cut = True
        elif fault.do == "status":
            body = self.error_body(fault.status) if fault.body is None else fault.body
            await answer_json(send, fault.status, body, fault.headers)
        else:
            exchange.cut = fault.do == "lose_reply"
            if fault.do == "hang":
                # The request is carried out afterwards, even if the caller has gone: like at a provider.
                await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, send)


async def answer_json(send: Send, status: int, body: object, headers: Mapping[str, str]) -> None:
    """Answer without a framework; text is sent as HTML, like proxies."""
    if isinstance(body, str):
        await answer(send, status, body.encode(), {"content-type": "text/html; charset=utf-8", **headers})
    else:
        await answer(send, status, json.dumps(body).encode(), headers)


async def answer(send: Send, status: int, content: bytes, headers: Mapping[str, str]) -> None:
    """Answer with these bytes, as JSON unless the headers differ."""
    described = {"content-type": "application/json", "content-length": str(len(content))}
    described |= {name.lower(): value for name, value in headers.items()}
    lines = [(name.encode(), value.encode("latin-1")) for name, value in described.items()]
    await send(HTTPResponseStartEvent(type="http.response.start", status=status, headers=lines))
    await send(HTTPResponseBodyEvent(type="http.response.body", body=content, more_body=False))


async def _read(scope: Scope, receive: Receive) -> Exchange:
    body = bytearray()
    more = True
    while more:
        message: Any = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Exchange(
        method=cast("Any", scope)["method"], path=scope["path"], body=bytes(body), headers=headers
    )


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def replayed() -> Any:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replayed


async def _hang_up(scope: Scope, receive: Receive) -> None:
    scope["state"]["transport"].abort()
    while (await receive())["type"] != "http.disconnect":
        pass
