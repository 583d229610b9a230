"""Stripe's error answers."""

from typing import Any

from litestar import Request, Response
from litestar.datastructures import State

from sandbox.twins.common import Json


class StripeError(Exception):
    """An error answer: HTTP status and Stripe's error object."""

    def __init__(
        self, message: str, *, status: int = 400, code: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param

    def body(self) -> Json:
        """Return Stripe's error object, without empty fields."""
        fields = {
            "code": self.code,
            "message": str(self),
            "param": self.param,
            "type": error_type(self.status),
        }
        return {"error": {name: value for name, value in fields.items() if value is not None}}


class MissingError(StripeError):
    """The object does not exist."""

    def __init__(self, noun: str, object_id: str, param: str = "id") -> None:
        super().__init__(f"No such {noun}: '{object_id}'", status=404, code="resource_missing", param=param)


class IdempotencyMismatchError(StripeError):
    """The key was used before with other parameters."""

    def __init__(self, key: str) -> None:
        super().__init__(
            "Keys for idempotent requests can only be used with the same parameters they were first used "
            f"with. Try using a key other than '{key}' if you meant to execute a different request."
        )

    def body(self) -> Json:
        """Return the error with the type that the SDKs expect."""
        return {"error": {"message": str(self), "type": "idempotency_error"}}


def error_type(status: int) -> str:
    """Return Stripe's error type by status."""
    return "api_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004 (HTTP's own border)


def fault_body(status: int) -> Json:
    """Return the error body of a fault."""
    if status == 429:  # noqa: PLR2004
        return StripeError(
            "Too many requests in the sandbox too quickly.", status=429, code="rate_limit"
        ).body()
    return StripeError("The sandbox fails here on demand.", status=status).body()


def answer_stripe_error(_: Request[Any, Any, State], error: StripeError) -> Response[Json]:
    """Return Stripe's error answer."""
    return Response(error.body(), status_code=error.status)
