"""Refusal of NUL bytes and of deeply nested JSON at every address."""

from urllib.parse import unquote_to_bytes

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from entrypoints.http.errors import MalformedError
from entrypoints.http.problem_details import answer
from entrypoints.http.request_bodies import AnyRequest, whole_body

#: Opening brackets in a JSON body. Our requests are flat objects with a few fields.
MAX_BRACKETS = 100


class MalformedGuard:
    """ASGI middleware that refuses NUL bytes in paths and queries.

    PostgreSQL stores none, and no name or token has one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with 400, or pass the request on."""
        if scope["type"] == ScopeType.HTTP and (
            "\0" in scope["path"] or b"\0" in unquote_to_bytes(scope["query_string"])
        ):
            request = AnyRequest(scope, receive=receive, send=send)
            refusal = answer(request, MalformedError("its address has a NUL byte"))
            await refusal.to_asgi_response(app=None, request=request)(scope, receive, send)
            return
        await self._app(scope, receive, send)


async def require_plain_json(request: AnyRequest) -> None:
    """Check a small JSON body before the framework decodes it.

    Raises MalformedError, and the errors of ``whole_body``.
    """
    body = await whole_body(request)
    if b"\0" in body or b"\\u0000" in body:
        raise MalformedError("its body has a NUL byte")
    if body.count(b"[") + body.count(b"{") > MAX_BRACKETS:
        raise MalformedError("its body is nested too deep")
