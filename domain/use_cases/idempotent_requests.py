"""Requests with an idempotency key: done once, and answered alike when repeated."""

from dataclasses import dataclass
from datetime import timedelta

from domain.order.errors import ShopError
from domain.order.values import Sha256
from domain.ports.clock import Clock
from domain.ports.idempotency_keys import StoredResponse
from domain.ports.unit_of_work import HasIdempotencyKeys, UnitOfWork
from domain.signed_tokens import sha256_of

#: How long a response is repeated.
KEPT = timedelta(hours=24)

#: When a request without a response counts as lost with its process: longer than any of them takes.
ABANDONED_AFTER = timedelta(minutes=2)


class KeyReusedError(ShopError):
    """The key belongs to a request with another body."""

    def __init__(self) -> None:
        super().__init__("This idempotency key belongs to another request: send this one with a new key.")


class RequestInProgressError(ShopError):
    """The first request with this key has no response yet."""

    def __init__(self) -> None:
        super().__init__("The first request with this idempotency key is in progress: repeat it in a moment.")


@dataclass(eq=False, kw_only=True)
class IdempotentRequests:
    """Reserve keys, and repeat the response of their first request."""

    unit_of_work: UnitOfWork[HasIdempotencyKeys]
    clock: Clock

    def begin(self, address: str, key: str, body: bytes) -> StoredResponse | Sha256:
        """The response to repeat, or the reservation for ``end`` and ``release``.

        A key belongs to one address. Raises KeyReusedError or RequestInProgressError.
        """
        key_sha256, request_sha256 = sha256_of(f"{address}\n{key}"), sha256_of(body)
        now = self.clock.now()
        with self.unit_of_work.transaction() as transaction:
            first = transaction.idempotency_keys.reserve(
                key_sha256,
                request_sha256,
                now=now,
                expires_at=now + KEPT,
                abandoned_before=now - ABANDONED_AFTER,
            )
        if first is None:
            return key_sha256
        if first.request_sha256 != request_sha256:
            raise KeyReusedError
        if first.response is None:
            raise RequestInProgressError
        return first.response

    def end(self, reservation: Sha256, response: StoredResponse) -> None:
        """Store the response, to be repeated."""
        with self.unit_of_work.transaction() as transaction:
            transaction.idempotency_keys.complete(reservation, response)

    def release(self, reservation: Sha256) -> None:
        """Free the key, because its request failed and may be tried again."""
        with self.unit_of_work.transaction() as transaction:
            transaction.idempotency_keys.release(reservation)
