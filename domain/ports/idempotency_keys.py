"""The port for idempotency keys: the first response to each is repeated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.order.values import Sha256


@dataclass(frozen=True, kw_only=True)
class StoredResponse:
    """A response that can be repeated."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class KeyedRequest:
    """A key's first request; ``response`` is None until it has one."""

    request_sha256: Sha256
    response: StoredResponse | None = None


class IdempotencyKeys(Protocol):
    """Keys of requests, stored as checksums."""

    def reserve(
        self,
        key_sha256: Sha256,
        request_sha256: Sha256,
        *,
        now: datetime,
        expires_at: datetime,
        abandoned_before: datetime,
    ) -> KeyedRequest | None:
        """Reserve a key; the first request if there was one.

        An expired key is free, and one reserved before ``abandoned_before`` that got no response.
        """

    def complete(self, key_sha256: Sha256, response: StoredResponse) -> None:
        """Store the response of the key's request."""

    def release(self, key_sha256: Sha256) -> None:
        """Free a key whose request got no response to repeat."""

    def forget(self, expired_before: datetime, limit: int) -> int:
        """Delete expired keys; return how many, ``limit`` at most."""
