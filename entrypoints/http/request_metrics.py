"""What is reported of each request."""

from http import HTTPStatus
from typing import Protocol
from uuid import UUID

from litestar.types import Scope

#: What addresses that no route has count as, because clients choose them.
UNKNOWN_PATH = "(unknown)"

#: Requests that bring a photo, a form of photos, or a piece of a photo, and what they count as if they succeed.
_UPLOADS = {
    ("POST", "/api/uploads/{session}/photos"): "stored",
    ("POST", "/uploads"): "form",
    ("POST", "/uploads/{session}/photos"): "form",
    ("PATCH", "/api/uploads/{session}/tus/{upload}"): "piece",
}

_WEBHOOKS = "/api/webhooks/"


class RequestObserver(Protocol):
    """Is informed of each request that was answered."""

    def request_ended(
        self, method: str, path: str, status: int, seconds: float, problem: str | None = None
    ) -> None:
        """A request was answered; ``path`` is the route's template."""

    def webhook_ended(self, provider: str, verdict: str, seconds: float) -> None:
        """A provider's webhook was answered."""

    def upload_ended(self, outcome: str) -> None:
        """A photo, a form or a piece was received, or refused."""


class RequestTracer(Protocol):
    """Writes a span for each request, in the trace of its order."""

    def request_began(self, request_id: UUID) -> None:
        """A request began in this context."""

    def request_caused(self, cause: str) -> None:
        """The present request causes what is recorded under this name."""

    def request_ended(self, method: str, path: str, status: int, order_id: UUID | None) -> None:
        """The present request was answered."""


def path_of(scope: Scope) -> str:
    """The template of the request's path, without ids and tokens."""
    return scope.get("path_template") or UNKNOWN_PATH


def report_request(observer: RequestObserver, scope: Scope, status: int, seconds: float) -> None:
    """Report a request, and the webhook or upload that it was.

    A status of 0 means that the connection broke before the response.
    """
    method, path, problem = str(scope.get("method")), path_of(scope), scope["state"].get("problem")
    observer.request_ended(method, path, status, seconds, problem)
    if path.startswith(_WEBHOOKS):
        provider = path.removeprefix(_WEBHOOKS).partition("/")[0]
        observer.webhook_ended(provider, scope["state"].get("verdict") or _verdict(status), seconds)
    if (outcome := _UPLOADS.get((method, path))) is not None:
        observer.upload_ended(problem or (outcome if _is_success(status) else "broken_off"))


def _is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.BAD_REQUEST


def _verdict(status: int) -> str:
    if _is_success(status):
        return "accepted"
    return "refused" if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR else "failed"
