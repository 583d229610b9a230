"""The personal data of one customer: queried, exported as JSON, erased.

Each table is named in ``HOLDINGS``, or in its test as one without personal data.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from adapters.postgres.customers import customer_of
from domain.order.values import CustomerId, OrderId, UploadSessionId
from domain.ports.customers import Customer
from domain.ports.personal_data import Erasure, Holdings, PersonalData

_ORDERS: Final = "SELECT order_id FROM orders WHERE customer_id = :customer_id"
_SESSIONS: Final = "SELECT upload_session_id FROM orders WHERE customer_id = :customer_id"
_OF_AN_ORDER: Final = f"order_id IN ({_ORDERS})"

#: Which rows of a table belong to a customer.
HOLDINGS: Final[Mapping[str, str]] = {
    "customers": "customer_id = :customer_id",
    "upload_sessions": f"session_id IN ({_SESSIONS})",
    "file_uploads": f"session_id IN ({_SESSIONS})",
    "resumable_uploads": f"session_id IN ({_SESSIONS})",
    "orders": "customer_id = :customer_id",
    "images": _OF_AN_ORDER,
    "restoration_jobs": f"image_id IN (SELECT image_id FROM images WHERE {_OF_AN_ORDER})",
    "email_queue": _OF_AN_ORDER,
    "download_links": _OF_AN_ORDER,
    "points": "customer_id = :customer_id",
    "notes": _OF_AN_ORDER,
    "reactions": _OF_AN_ORDER,
    "admissions": _OF_AN_ORDER,
    "unmatched_payments": f"upload_session_id IN ({_SESSIONS}) OR matched_session_id IN ({_SESSIONS})",
    "events": _OF_AN_ORDER,
    "order_snapshots": _OF_AN_ORDER,
}

#: Events are exported one by one instead, see ``EventStore.history``; snapshots have nothing that they have not.
_EXPORTED_AS_EVENTS: Final = frozenset({"events", "order_snapshots"})

#: In this order: the later statements find their rows through the tables of the earlier ones.
ERASE: Final[Mapping[str, str]] = {
    "unmatched_payments": f"""UPDATE unmatched_payments
        SET reason = 'Its customer is forgotten.', note = NULL, problem = NULL
        WHERE {HOLDINGS["unmatched_payments"]}""",
    "notes": f"DELETE FROM notes WHERE {_OF_AN_ORDER}",
    "file_uploads": f"DELETE FROM file_uploads WHERE {HOLDINGS['file_uploads']}",
    "resumable_uploads": f"DELETE FROM resumable_uploads WHERE {HOLDINGS['resumable_uploads']}",
    "upload_sessions": f"""UPDATE upload_sessions
        SET checkout_url = NULL, temp_objects_deleted_at = coalesce(temp_objects_deleted_at, :erased_at)
        WHERE {HOLDINGS["upload_sessions"]}""",
    "reactions": f"UPDATE reactions SET problem = NULL WHERE problem IS NOT NULL AND {_OF_AN_ORDER}",
    "customers": f"""UPDATE customers
        SET email = NULL, name = NULL, locale = NULL, referral_code = NULL, phone = NULL, metadata = DEFAULT,
            erased_at = :erased_at
        WHERE {HOLDINGS["customers"]}""",
}

_FIND = "SELECT * FROM customers WHERE lower(email) = lower(:email)"
_RECORD_ERASURE = text(
    """INSERT INTO erasures (erasure_id, customer_id, actor, reason, erased_at)
    VALUES (:erasure_id, :customer_id, :actor, :reason, :erased_at)"""
)


class PostgresPersonalData(PersonalData):
    """The personal data on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, email: str, *, lock: bool = False) -> Customer | None:
        query = f"{_FIND} FOR UPDATE" if lock else _FIND
        row = self._connection.execute(text(query), {"email": email}).one_or_none()
        return customer_of(row) if row is not None else None

    def orders(self, customer_id: CustomerId) -> list[OrderId]:
        return [OrderId(found) for found in self._ids(_ORDERS, customer_id)]

    def sessions(self, customer_id: CustomerId) -> list[UploadSessionId]:
        return [UploadSessionId(found) for found in self._ids(_SESSIONS, customer_id)]

    def holdings(self, customer_id: CustomerId) -> Holdings:
        found = {
            table: self._rows(table, where, customer_id)
            for table, where in HOLDINGS.items()
            if table not in _EXPORTED_AS_EVENTS
        }
        return {table: rows for table, rows in found.items() if rows}

    def forget(self, erasure: Erasure) -> Mapping[str, int]:
        about = {"customer_id": erasure.customer_id, "erased_at": erasure.erased_at}
        touched = {
            table: self._connection.execute(text(statement), about).rowcount
            for table, statement in ERASE.items()
        }
        self._connection.execute(
            _RECORD_ERASURE,
            {**about, "erasure_id": erasure.erasure_id, "actor": erasure.actor, "reason": erasure.reason},
        )
        return touched

    def _ids(self, query: str, customer_id: CustomerId) -> list[UUID]:
        return sorted(self._connection.execute(text(query), {"customer_id": customer_id}).scalars())

    def _rows(self, table: str, where: str, customer_id: CustomerId) -> list[dict[str, Any]]:
        query = text(f"SELECT to_jsonb(held) FROM {table} AS held WHERE {where}")
        return list(self._connection.execute(query, {"customer_id": customer_id}).scalars())
