"""Replicate's error answers."""

from typing import Any

from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from sandbox.twins.common import Json
from sandbox.twins.common.control import answer_in_plain_json


class ReplicateError(Exception):
    """A problem answer: status, title and detail."""

    def __init__(
        self, status: int, title: str, detail: str, *, headers: dict[str, str] | None = None, **more: object
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers or {}
        self.body: Json = {"title": title, "detail": detail, "status": status, **more}


class UnauthenticatedError(ReplicateError):
    """No token, or a wrong one."""

    def __init__(self) -> None:
        super().__init__(401, "Unauthenticated", "You did not pass a valid authentication token")


class MissingError(ReplicateError):
    """The resource does not exist."""

    def __init__(self) -> None:
        super().__init__(404, "Not found", "The requested resource could not be found.")


class ThrottledError(ReplicateError):
    """The rate limit is exceeded."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            429,
            "Request was throttled.",
            f"Request was throttled. Expected available in {retry_after_seconds} seconds.",
            headers={"Retry-After": str(retry_after_seconds)},
            retry_after=retry_after_seconds,
        )


class InvalidVersionError(ReplicateError):
    """The version does not exist."""

    def __init__(self) -> None:
        detail = "The specified version does not exist (or perhaps you don't have permission to use it?)"
        super().__init__(422, "Invalid version or not permitted", detail)


class InvalidInputError(ReplicateError):
    """Invalid input: each complaint has a type, a field and a description."""

    def __init__(self, complaints: list[Json]) -> None:
        detail = "".join(f"- {one['field']}: {one['description']}\n" for one in complaints)
        super().__init__(422, "Input validation failed", detail, invalid_fields=complaints)


def fault_body(status: int) -> Json:
    """Return the error body of a fault."""
    if status == 429:  # noqa: PLR2004
        return ThrottledError(1).body
    return ReplicateError(status, "Internal server error", "The sandbox fails here on demand.").body


def answer_replicate_error(_: Request[Any, Any, State], error: ReplicateError) -> Response[Json]:
    """Return Replicate's problem answer."""
    return Response(error.body, status_code=error.status, headers=error.headers)


def answer_routing_error(request: Request[Any, Any, State], error: HTTPException) -> Response[Json]:
    """Answer unknown /v1 addresses in Replicate's format, others in plain JSON."""
    if not request.url.path.startswith("/v1/"):
        return answer_in_plain_json(request, error)
    if error.status_code == 404:  # noqa: PLR2004
        return answer_replicate_error(request, MissingError())
    return answer_replicate_error(request, ReplicateError(error.status_code, error.detail, error.detail))
