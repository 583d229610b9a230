"""What Replicate says when it says no."""

from typing import Any

from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from sandbox.twins.common import Json
from sandbox.twins.common.control import answer_in_plain_json


class ReplicateError(Exception):
    """An error answer: title, detail and status, as in every problem that the API reports."""

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
    """There is no such thing."""

    def __init__(self) -> None:
        super().__init__(404, "Not found", "The requested resource could not be found.")


class ThrottledError(ReplicateError):
    """Too many, too fast."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            429,
            "Request was throttled.",
            f"Request was throttled. Expected available in {retry_after_seconds} seconds.",
            headers={"Retry-After": str(retry_after_seconds)},
            retry_after=retry_after_seconds,
        )


class InvalidVersionError(ReplicateError):
    """The version asked for is none of ours."""

    def __init__(self) -> None:
        detail = "The specified version does not exist (or perhaps you don't have permission to use it?)"
        super().__init__(422, "Invalid version or not permitted", detail)


class InvalidInputError(ReplicateError):
    """The request was understood and is wrong: each complaint has a type, a field and a description."""

    def __init__(self, complaints: list[Json]) -> None:
        detail = "".join(f"- {one['field']}: {one['description']}\n" for one in complaints)
        super().__init__(422, "Input validation failed", detail, invalid_fields=complaints)


def sabotaged(status: int) -> Json:
    """Return the body of an error that a fault has ordered."""
    if status == 429:  # noqa: PLR2004
        return ThrottledError(1).body
    return ReplicateError(status, "Internal server error", "The sandbox was told to fail here.").body


def answer_replicate_error(_: Request[Any, Any, State], error: ReplicateError) -> Response[Json]:
    """Answer with Replicate's problem."""
    return Response(error.body, status_code=error.status, headers=error.headers)


def answer_routing_error(request: Request[Any, Any, State], error: HTTPException) -> Response[Json]:
    """Answer an address or a method that /v1 does not have in Replicate's shape, any other in the kit's."""
    if not request.url.path.startswith("/v1/"):
        return answer_in_plain_json(request, error)
    if error.status_code == 404:  # noqa: PLR2004
        return answer_replicate_error(request, MissingError())
    return answer_replicate_error(request, ReplicateError(error.status_code, error.detail, error.detail))
