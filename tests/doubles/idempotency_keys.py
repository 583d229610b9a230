"""Idempotency keys in memory."""

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime

from domain.order.values import Sha256
from domain.ports.idempotency_keys import IdempotencyKeys, KeyedRequest, StoredResponse
from tests.doubles.tables import hold


@dataclass(frozen=True, kw_only=True)
class KeyRow:
    """A reserved key."""

    request: KeyedRequest
    reserved_at: datetime
    expires_at: datetime


class InMemoryIdempotencyKeys(IdempotencyKeys):
    """Idempotency keys of one transaction."""

    def __init__(self, pages: MutableMapping[Sha256, KeyRow]) -> None:
        self._pages = pages

    def reserve(
        self,
        key_sha256: Sha256,
        request_sha256: Sha256,
        *,
        now: datetime,
        expires_at: datetime,
        abandoned_before: datetime,
    ) -> KeyedRequest | None:
        hold(self._pages, key_sha256)
        row = self._pages.get(key_sha256)
        if row is not None:
            is_abandoned = row.request.response is None and row.reserved_at < abandoned_before
            if row.expires_at > now and not is_abandoned:
                return row.request
        request = KeyedRequest(request_sha256=request_sha256)
        self._pages[key_sha256] = KeyRow(request=request, reserved_at=now, expires_at=expires_at)
        return None

    def complete(self, key_sha256: Sha256, response: StoredResponse) -> None:
        row = self._pages.get(key_sha256)
        if row is not None:
            self._pages[key_sha256] = replace(row, request=replace(row.request, response=response))

    def release(self, key_sha256: Sha256) -> None:
        row = self._pages.get(key_sha256)
        if row is not None and row.request.response is None:
            del self._pages[key_sha256]

    def forget(self, expired_before: datetime, limit: int) -> int:
        expired = sorted(
            (key for key, row in self._pages.items() if row.expires_at < expired_before),
            key=lambda key: self._pages[key].expires_at,
        )[:limit]
        for key in expired:
            del self._pages[key]
        return len(expired)
