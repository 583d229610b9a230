"""What the Replicate SDK lacks, put underneath it: typed errors, and no sleeping in our threads.

The SDK drops the headers of an error, `Retry-After` among them, lets the HTTP library's errors through, and repeats
reads up to ten times, asleep in between. Errors that are raised down here, it never sees.
"""

import httpx
import msgspec

from adapters.retry_after import wait_seconds
from domain.ports.errors import AccountRefusedError, BusyError, LostReplyError, RefusedError, UnavailableError

PROVIDER = "Replicate"

#: A wrong token, no credit, no permission: it says nothing about the picture.
OUR_OWN_FAULT = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.PAYMENT_REQUIRED, httpx.codes.FORBIDDEN})

CONNECT_TIMEOUT_SECONDS = 5.0

#: Nothing was sent yet when one of these happens.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class StrictTransport(httpx.HTTPTransport):
    """Gives complete, successful answers or raises one of the shop's errors."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Carry out one request of the API, whose answers are all short enough to be read here."""
        # What may have been done unheard, and would be done, and paid for, a second time.
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
        if response.status_code in OUR_OWN_FAULT:
            raise AccountRefusedError(PROVIDER, f"status {response.status_code}")
        if not response.is_success:
            raise RefusedError(PROVIDER, _title(response), code=str(response.status_code))
        return response


class _Problem(msgspec.Struct):
    title: str = "it gives no reason"


def _title(response: httpx.Response) -> str:
    """Replicate's short word for an error; its long one may quote our input, addresses and all."""
    try:
        return msgspec.json.decode(response.content, type=_Problem).title
    except msgspec.MsgspecError:
        return _Problem().title
