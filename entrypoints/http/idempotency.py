"""The header Idempotency-Key: a repeated request is answered as the first one.

For routes that create or charge. A client that lost a response repeats its request with the same key for 24 hours. The
creation of a resumable upload has no stored response: the key decides the upload's id.
Failed requests are not repeated: they may be tried again with the same key.
"""

import re

from anyio import to_thread
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.types.asgi_types import ReceiveMessage

from domain.order.values import Sha256
from domain.ports.idempotency_keys import StoredResponse
from domain.use_cases.idempotent_requests import IdempotentRequests
from entrypoints.http.errors import IdempotencyKeyError
from entrypoints.http.request_bodies import AnyRequest, receive_bytes

#: Long enough that no client guesses another's key, as a UUID is.
_KEY = re.compile(r"[\x21-\x7e]{16,255}", re.ASCII)

#: Requests with a key are small documents, and so are the responses to them.
MAX_BODY_BYTES = 16 * 1024
MAX_RESPONSE_BYTES = 64 * 1024

#: Headers that a repeated response has.
_REPEATED = frozenset({"content-type", "location", "cache-control", "vary"})

_FIRST_ERROR_STATUS = 400


#: The header of a response that is not the first one.
REPLAYED = "Idempotency-Replayed"


def idempotency_key_in(request: AnyRequest) -> str | None:
    """The request's key, if it has one; raises IdempotencyKeyError."""
    key = request.headers.get("idempotency-key")
    if key is not None and _KEY.fullmatch(key) is None:
        raise IdempotencyKeyError
    return key


class Idempotency(ASGIMiddleware):
    """Middleware of a route that obeys Idempotency-Key."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Repeat the stored response, or store the first one."""
        request = AnyRequest(scope, receive=receive, send=send)
        key = idempotency_key_in(request)
        if key is None:
            await next_app(scope, receive, send)
            return
        requests: IdempotentRequests = request.app.state.idempotent_requests()
        body = await receive_bytes(request, limit_bytes=MAX_BODY_BYTES)
        address = f"{request.method} {request.url.path}"
        begun = await to_thread.run_sync(requests.begin, address, key, body)
        if isinstance(begun, StoredResponse):
            await _repeat(begun, send)
            return
        await _Recording(requests, begun, send).run(next_app, scope, _replayed(body, receive))


class _Recording:
    """Passes a response on, and stores it."""

    def __init__(self, requests: IdempotentRequests, reservation: Sha256, send: Send) -> None:
        self._requests = requests
        self._reservation = reservation
        self._send = send
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive) -> None:
        """Run the request; free its key if it fails."""
        try:
            await app(scope, receive, self._record)
        except BaseException:
            await to_thread.run_sync(self._requests.release, self._reservation)
            raise

    async def _record(self, message: Message) -> None:
        """Store a whole response before its end is sent."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            named = ((name.decode().lower(), value.decode("latin-1")) for name, value in message["headers"])
            self._headers = {name: value for name, value in named if name in _REPEATED}
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await to_thread.run_sync(self._store)
        await self._send(message)

    def _store(self) -> None:
        if self._status >= _FIRST_ERROR_STATUS or len(self._body) > MAX_RESPONSE_BYTES:
            self._requests.release(self._reservation)
        else:
            response = StoredResponse(status=self._status, headers=self._headers, body=bytes(self._body))
            self._requests.end(self._reservation, response)


async def _repeat(stored: StoredResponse, send: Send) -> None:
    headers = {**stored.headers, REPLAYED.lower(): "true", "content-length": str(len(stored.body))}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": stored.status, "headers": encoded})
    await send({"type": "http.response.body", "body": stored.body, "more_body": False})


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A receive function that begins with a body that was read already."""
    bodies = iter([body])

    async def replay() -> ReceiveMessage:
        for whole in bodies:
            return {"type": "http.request", "body": whole, "more_body": False}
        return await receive()

    return replay
