"""Replicate's authentication and rate limit."""

import time
from collections import deque

from litestar.types import ASGIApp, Receive, Scope, Send

from sandbox.twins.common import exchange_of
from sandbox.twins.common.fault_middleware import answer_json, is_api_call
from sandbox.twins.replicate.errors import ReplicateError, ThrottledError, UnauthenticatedError
from sandbox.twins.replicate.predictions import Settings

MINUTE_SECONDS = 60.0


class Authentication:
    """Require the API token and limit creations; outputs need no token."""

    def __init__(self, app: ASGIApp, api_token: str, settings: Settings) -> None:
        self._app = app
        self._authorization = f"Bearer {api_token}"
        self._settings = settings
        self._creates: deque[float] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        refusal = self._refusal(scope) if is_api_call(scope) and scope["path"].startswith("/v1/") else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await answer_json(send, refusal.status, refusal.body, refusal.headers)

    def _refusal(self, scope: Scope) -> ReplicateError | None:
        exchange = exchange_of(scope)
        if exchange.headers.get("authorization") != self._authorization:
            return UnauthenticatedError()
        if exchange.method == "POST" and exchange.path.endswith("/predictions"):
            return self._throttled()
        return None

    def _throttled(self) -> ReplicateError | None:
        limit = self._settings.current.creates_per_minute
        now = time.monotonic()
        while self._creates and self._creates[0] <= now - MINUTE_SECONDS:
            self._creates.popleft()
        if limit is not None and len(self._creates) >= limit:
            wait = MINUTE_SECONDS - (now - self._creates[0]) if self._creates else MINUTE_SECONDS
            return ThrottledError(max(1, round(wait)))
        self._creates.append(now)
        return None
