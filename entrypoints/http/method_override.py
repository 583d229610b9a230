"""X-HTTP-Method-Override, for clients behind proxies that pass only GET and POST.

tus 1.0 requires it of its servers; other addresses ignore it.
"""

import re

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

_HEADER = b"x-http-method-override"
_UPLOAD = re.compile(r"/api/uploads/[^/]+/tus/[^/]+", re.ASCII)
_METHODS = {b"PATCH": "PATCH", b"DELETE": "DELETE", b"HEAD": "HEAD"}


class MethodOverride:
    """ASGI middleware that gives a POST the method it means."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its method."""
        if scope["type"] == ScopeType.HTTP and scope["method"] == "POST" and _UPLOAD.fullmatch(scope["path"]):
            given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
            scope["method"] = _METHODS.get(given.upper(), "POST")  # type: ignore[typeddict-item]
        await self._app(scope, receive, send)
