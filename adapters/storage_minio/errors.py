"""Translation of the errors of the SDK and its HTTP client."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import urllib3
from minio.error import MinioException, S3Error

from domain.ports.errors import BucketMissingError, NoAnswerError, ObjectMissingError, UnavailableError

PROVIDER = "The storage"


#: What servers answer to wrong keys, and to keys that may not do it.
_REFUSALS = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"})


class StorageRefusedError(UnavailableError):
    """The storage refuses our keys, or what they may do."""

    def __init__(self, detail: str) -> None:
        super().__init__(PROVIDER, detail)

    def __str__(self) -> str:
        """Tell the operator what to do, because a retry does not help."""
        return (
            f"The storage refuses access ({self.detail}): check S3_ACCESS_KEY and S3_SECRET_KEY, of backups"
            " BACKUP_S3_ACCESS_KEY and BACKUP_S3_SECRET_KEY, and what these keys may do."
        )


class RetryUnlessTimeout(urllib3.Retry):
    """Retry fast failures, never time-outs."""

    def increment(self, *arguments: Any, **named: Any) -> Self:
        error = named.get("error")
        if isinstance(error, Exception) and _is_timeout(error):
            raise error
        return super().increment(*arguments, **named)


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Translate the SDK's errors without messages, which may quote presigned URLs."""
    try:
        yield
    except S3Error as error:
        if error.code == "NoSuchKey":
            raise ObjectMissingError(subject) from error
        if error.code == "NoSuchBucket":
            raise BucketMissingError(PROVIDER, str(error.bucket_name)) from error
        if error.code in _REFUSALS:
            raise StorageRefusedError(f"{error.code} for {subject}") from error
        raise UnavailableError(PROVIDER, f"{error.code} for {subject}") from error
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        kind = NoAnswerError if _is_timeout(error) else UnavailableError
        raise kind(PROVIDER, _detail(error, subject)) from error


def _detail(error: Exception, subject: str) -> str:
    """Why a request failed, after its last retry."""
    cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        address = f"{cause.conn.host}:{cause.conn.port}"
        return f"no connection to {address}; check that it runs, and its address in the settings"
    return f"{type(cause or error).__name__} for {subject}"


def _is_timeout(error: object) -> bool:
    if isinstance(error, urllib3.exceptions.MaxRetryError):
        return _is_timeout(error.reason)
    if isinstance(error, urllib3.exceptions.ProtocolError):  # the server stopped reading
        return any(isinstance(cause, TimeoutError) for cause in error.args)
    is_urllib3_timeout = isinstance(error, urllib3.exceptions.TimeoutError)
    # NewConnectionError subclasses a time-out for historical reasons, and is raised for a refused connection.
    return is_urllib3_timeout and not isinstance(error, urllib3.exceptions.NewConnectionError)
