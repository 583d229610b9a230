"""Errors of a request itself, found before a use case is called.

RequestError
├── BodyTooLargeError      more bytes than this address accepts
├── BodyTooSlowError       the body did not arrive in time
├── BodyCutError           the client disconnected before the end of the body
├── BodyEmptyError         the body has no bytes
├── ClientGoneError        the client disconnected before the response
├── NotARawPhotoError      a form, or a content type other than an image
├── NotAPhotoFormError     no multipart form where one with photos is expected
├── MalformedError         a NUL byte, or JSON that is nested too deep
├── UnknownOrderError      no order has this id
├── TooManyStreamsError    the client, or this process, has too many open streams
├── IdempotencyKeyError    an idempotency key that is no key
├── WorkerCallRefusedError a call of a worker endpoint without its key
├── WorkerCallsOffError    a call of a worker endpoint of a shop that has none
├── UnknownWorkerError     a call of a worker that does not exist
└── NotReadyError          a part without which the shop cannot work is unavailable
"""

from collections.abc import Iterable, Mapping
from uuid import UUID


class RequestError(Exception):
    """The root of these errors.

    The message is one sentence that says what to do.
    """


class BodyTooLargeError(RequestError):
    """More bytes than this address accepts."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(f"This address takes {_readable(limit_bytes)} at most: send a smaller file.")


class BodyTooSlowError(RequestError):
    """The body did not arrive in time."""

    def __init__(self, patience_seconds: float) -> None:
        self.patience_seconds = patience_seconds
        super().__init__(
            f"The body did not arrive within {patience_seconds:.0f} seconds: send it again over a faster connection."
        )


class BodyCutError(RequestError):
    """The client disconnected before the end of the body."""

    def __init__(self) -> None:
        super().__init__("The connection ended before the whole body was here: send it again.")


class ClientGoneError(RequestError):
    """The client disconnected before the response."""

    def __init__(self) -> None:
        super().__init__("The connection ended before the photo was checked: send it again.")


class BodyEmptyError(RequestError):
    """The body has no bytes."""

    def __init__(self) -> None:
        super().__init__("This file is empty. Please choose the photo again and send it once more.")


class NotARawPhotoError(RequestError):
    """The body is a form, or its type is no image."""

    def __init__(self, content_type: str) -> None:
        self.content_type = content_type
        super().__init__(
            f"A photo cannot be sent as {content_type[:80]}: send its bytes alone as the body, one photo per request,"
            " with Content-Type: application/octet-stream and the file's name in ?filename=."
        )


class NotAPhotoFormError(RequestError):
    """The body is no ``multipart/form-data`` form."""

    def __init__(self) -> None:
        super().__init__(
            "This address takes photos from the form on its page; programs send each photo's bytes to"
            " /api/uploads/SESSION/photos."
        )


class MalformedError(RequestError):
    """A request that no address accepts."""

    def __init__(self, flaw: str) -> None:
        self.flaw = flaw
        super().__init__(f"This request cannot be read ({flaw}): correct it and send it again.")


class NotPaidError(Exception):
    """The upload session has no order whose address could be corrected."""

    def __init__(self, session_id: UUID) -> None:
        self.session_id = session_id
        super().__init__(
            f"Upload session {session_id} is not paid: give the address when you open its checkout."
        )


class UnknownOrderError(RequestError):
    """No order has this id; an order exists once it is paid."""

    def __init__(self, order_id: UUID) -> None:
        self.order_id = order_id
        super().__init__(
            f"There is no order {order_id}: it begins once it is paid, so look again after the payment."
        )


class TooManyStreamsError(RequestError):
    """The client, or this process, has too many open streams."""

    def __init__(self) -> None:
        super().__init__("Too many pages follow their orders at once: close some, or look again in a minute.")


class IdempotencyKeyError(RequestError):
    """An idempotency key that is no key."""

    def __init__(self) -> None:
        super().__init__(
            "Idempotency-Key takes 16 to 255 visible characters: send a new UUID with each new request."
        )


class WorkerCallRefusedError(RequestError):
    """A call of a worker endpoint without its key."""

    def __init__(self) -> None:
        super().__init__("Send the shop's WORKER_SECRET_KEY as Authorization: Bearer KEY.")


class WorkerCallsOffError(RequestError):
    """A call of a worker endpoint while WORKER_SECRET_KEY signs links as well.

    A key that signs links must not travel with requests.
    """

    def __init__(self) -> None:
        super().__init__("The worker endpoints are off: give the shop a LINK_SIGNING_KEY to turn them on.")


class UnknownWorkerError(RequestError):
    """No worker endpoint has this name."""

    def __init__(self, workers: Iterable[str]) -> None:
        super().__init__(f"There is no such worker: call one of {', '.join(workers)}.")


class NotReadyError(RequestError):
    """A part without which the shop cannot work is unavailable.

    ``checks`` has a sentence for each part.
    """

    def __init__(self, checks: Mapping[str, str]) -> None:
        self.checks = checks
        super().__init__("The shop cannot work now; what is wrong, and what to do, is in checks.")


def _readable(size_bytes: int) -> str:
    mebibyte = 1024 * 1024
    return f"{size_bytes // mebibyte} MiB" if size_bytes >= mebibyte else f"{size_bytes} bytes"
