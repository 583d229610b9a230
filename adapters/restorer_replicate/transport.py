"""HTTP transport for the Replicate SDK: typed errors and no retries.

The SDK drops the headers of an error response, such as `Retry-After`, lets the HTTP library's errors through, and
retries reads up to ten times, sleeping in our threads. It never sees errors raised here.
"""

import httpx
import msgspec

from adapters.retry_after import wait_seconds
from domain.ports.errors import AccountRefusedError, BusyError, LostReplyError, RefusedError, UnavailableError

PROVIDER = "Replicate"

#: A wrong token, no credit, no permission: not caused by the picture.
ACCOUNT_ERRORS = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.PAYMENT_REQUIRED, httpx.codes.FORBIDDEN})

CONNECT_TIMEOUT_SECONDS = 5.0

#: Errors raised before anything was sent.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class StrictTransport(httpx.HTTPTransport):
    """Return successful responses, or raise one of the port's errors."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its response, which is always small."""
        # A repeated creation may run, and cost, a second prediction.
        is_create = request.method == "POST" and request.url.path.endswith("/predictions")
        unanswered = LostReplyError if is_create else UnavailableError
        try:
            response = super().handle_request(request)
            response.read()
        except NOT_SENT as error:
            raise UnavailableError(PROVIDER, type(error).__name__) from error
        except httpx.TransportError as error:
            raise unanswered(PROVIDER, type(error).__name__) from error
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            wait = wait_seconds(response.headers.get("Retry-After"))
            raise BusyError(PROVIDER, "rate limit", retry_after_seconds=wait)
        if response.is_server_error:
            raise unanswered(PROVIDER, f"status {response.status_code}")
        if response.status_code in ACCOUNT_ERRORS:
            raise AccountRefusedError(PROVIDER, f"status {response.status_code}")
        if not response.is_success:
            raise RefusedError(PROVIDER, _title(response), code=str(response.status_code))
        return response


class _Problem(msgspec.Struct):
    title: str = "it gives no reason"


def _title(response: httpx.Response) -> str:
    """Return the error's short title; the detail may quote inputs and addresses."""
    try:
        return msgspec.json.decode(response.content, type=_Problem).title
    except msgspec.MsgspecError:
        return _Problem().title
