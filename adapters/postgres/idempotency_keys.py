"""Idempotency keys and the responses of their first requests."""

import json
from datetime import datetime

from sqlalchemy import Connection

from adapters.postgres.driver_sql import execute
from domain.order.values import Sha256
from domain.ports.idempotency_keys import IdempotencyKeys, KeyedRequest, StoredResponse

_RESERVE = """INSERT INTO idempotency_keys AS kept (key_sha256, request_sha256, reserved_at, expires_at)
    VALUES (:key_sha256, :request_sha256, :now, :expires_at)
    ON CONFLICT (key_sha256) DO UPDATE SET request_sha256 = EXCLUDED.request_sha256,
        reserved_at = EXCLUDED.reserved_at, expires_at = EXCLUDED.expires_at, status = NULL, headers = NULL, body = NULL
    WHERE kept.expires_at <= :now OR (kept.status IS NULL AND kept.reserved_at < :abandoned_before)
    RETURNING key_sha256"""
_FIND = "SELECT request_sha256, status, headers, body FROM idempotency_keys WHERE key_sha256 = :key_sha256"
_COMPLETE = """UPDATE idempotency_keys SET status = :status, headers = CAST(:headers AS jsonb), body = :body
    WHERE key_sha256 = :key_sha256"""
_RELEASE = "DELETE FROM idempotency_keys WHERE key_sha256 = :key_sha256 AND status IS NULL"
_FORGET = """WITH expired AS (
        SELECT key_sha256 FROM idempotency_keys WHERE expires_at < :expired_before
        ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    DELETE FROM idempotency_keys USING expired WHERE idempotency_keys.key_sha256 = expired.key_sha256"""


class PostgresIdempotencyKeys(IdempotencyKeys):
    """The idempotency keys on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def reserve(
        self,
        key_sha256: Sha256,
        request_sha256: Sha256,
        *,
        now: datetime,
        expires_at: datetime,
        abandoned_before: datetime,
    ) -> KeyedRequest | None:
        """Reserve a key in one statement; see the port."""
        asked = {
            "key_sha256": key_sha256,
            "request_sha256": request_sha256,
            "now": now,
            "expires_at": expires_at,
            "abandoned_before": abandoned_before,
        }
        while not execute(self._connection, _RESERVE, asked).rowcount:
            row = execute(self._connection, _FIND, {"key_sha256": key_sha256}).fetchone()
            if row is not None:
                return KeyedRequest(
                    request_sha256=Sha256(row.request_sha256),
                    response=StoredResponse(status=row.status, headers=row.headers, body=row.body)
                    if row.status is not None
                    else None,
                )
            # It was released between the two statements: reserve it.
        return None

    def complete(self, key_sha256: Sha256, response: StoredResponse) -> None:
        stored = {
            "status": response.status,
            "headers": json.dumps(dict(response.headers)),
            "body": response.body,
        }
        execute(self._connection, _COMPLETE, {"key_sha256": key_sha256, **stored})

    def release(self, key_sha256: Sha256) -> None:
        execute(self._connection, _RELEASE, {"key_sha256": key_sha256})

    def forget(self, expired_before: datetime, limit: int) -> int:
        return execute(self._connection, _FORGET, {"expired_before": expired_before, "limit": limit}).rowcount
