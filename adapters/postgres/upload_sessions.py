"""Upload sessions and their photos."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ARRAY, Connection, Uuid, bindparam, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import aggregate_order_by

from adapters.postgres.driver_sql import execute
from adapters.postgres.tables import file_uploads, resumable_uploads, upload_sessions
from adapters.postgres.upload_session_rows import PHOTO_FIELDS, checkout_row, photo_row, session_of
from domain.order.values import OrderId, PhotoId, UploadSessionId
from domain.ports.images import ImageFacts
from domain.ports.upload_sessions import Checkout, UploadedPhoto, UploadSession, UploadSessions, UploadStatus

#: The photos come as one JSON array in the session's own query.
_PHOTOS = (
    select(
        func.jsonb_agg(
            aggregate_order_by(
                func.jsonb_build_array(*(file_uploads.c[name] for name in PHOTO_FIELDS)),
                file_uploads.c.sequence,
            )
        )
    )
    .where(file_uploads.c.session_id == upload_sessions.c.session_id)
    .scalar_subquery()
)
_INSPECTED = """SELECT media_type, width, height, sketch FROM file_uploads
    WHERE photo_id = :photo_id AND sketch IS NOT NULL"""
_IS_IT = upload_sessions.c.session_id == bindparam("session_id")
_IS_ONE = upload_sessions.c.session_id == func.any(bindparam("session_ids", type_=ARRAY(Uuid)))
_FIND = select(upload_sessions, _PHOTOS.label("photos")).where(_IS_IT)
_FIND_ALL = select(upload_sessions, _PHOTOS.label("photos")).where(_IS_ONE)
_LOCK_ALL = """SELECT FROM upload_sessions WHERE session_id = ANY(CAST(:session_ids AS uuid[]))
    ORDER BY session_id FOR UPDATE"""
_OPEN = """INSERT INTO upload_sessions (session_id, order_id, status, opened_at)
    VALUES (:session_id, :order_id, :status, :opened_at)"""
_ADD_PHOTO = f"""INSERT INTO file_uploads ({", ".join(PHOTO_FIELDS)}, session_id, distinct_sha256, sketch)
    VALUES ({", ".join(f":{name}" for name in PHOTO_FIELDS)}, :session_id, :sha256, :sketch)"""
_SET_CHECKOUT = """UPDATE upload_sessions SET status = :status, checkout_attempt = :attempt,
        checkout_session_id = :checkout_session_id, checkout_url = :url, checkout_reserved_at = :reserved_at,
        checkout_expires_at = :expires_at, quoted_amount = :quoted_amount, quoted_currency = :quoted_currency,
        referrer_id = :referrer_id, points_customer_id = :points_customer_id, points = :points,
        points_discount_amount = :points_discount_amount, client = :client
    WHERE session_id = :session_id"""
_FILE_NAMES = """SELECT photo_id, file_name FROM file_uploads JOIN upload_sessions USING (session_id)
    WHERE order_id = :order_id"""
_SET_STATUS = "UPDATE upload_sessions SET status = :status WHERE session_id = :session_id"
_SET_PAID = """UPDATE upload_sessions SET status = :status
    WHERE session_id = ANY(CAST(:session_ids AS uuid[]))"""

_EXPIRE_STALE = text(
    """WITH stale AS (
        SELECT session_id FROM upload_sessions AS sessions
        WHERE temp_objects_deleted_at IS NULL
          AND opened_at < :opened_before
          AND CASE status
                WHEN 'checkout' THEN checkout_expires_at < :checkout_expired_before
                WHEN 'pending' THEN false
                WHEN 'paid' THEN EXISTS (
                    SELECT FROM orders WHERE orders.order_id = sessions.order_id
                    AND (
                        orders.state IN ('refunded', 'erased')
                        OR NOT EXISTS (
                            SELECT FROM images
                            WHERE images.order_id = orders.order_id AND images.original_key IS NULL
                            AND images.failure_reason IS NULL
                        )
                    )
                )
                ELSE true
              END
        ORDER BY opened_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ), expired AS (
        UPDATE upload_sessions
        SET status = CASE status WHEN 'paid' THEN 'paid' ELSE 'expired' END
        FROM stale WHERE upload_sessions.session_id = stale.session_id
        RETURNING upload_sessions.session_id, opened_at
    )
    SELECT session_id FROM expired ORDER BY opened_at"""
)


class PostgresUploadSessions(UploadSessions):
    """The upload sessions on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, session: UploadSession) -> None:
        execute(
            self._connection,
            _OPEN,
            {
                "session_id": session.session_id,
                "order_id": session.order_id,
                "status": session.status,
                "opened_at": session.opened_at,
            },
        )

    def find(self, session_id: UploadSessionId, *, lock: bool = False) -> UploadSession | None:
        """Return the session with its photos, in one query."""
        if lock:
            return self.find_all_locked([session_id]).get(session_id)
        row = execute(self._connection, _FIND, {"session_id": session_id}).fetchone()
        return session_of(row) if row is not None else None

    def find_all_locked(
        self, session_ids: Sequence[UploadSessionId]
    ) -> Mapping[UploadSessionId, UploadSession]:
        """Lock sessions and return them with their photos.

        The lock is a statement of its own, so that the query after it sees what others committed while it waited:
        PostgreSQL would re-read only the locked rows, and their photos as they were before.
        """
        known = {"session_ids": list(session_ids)}
        execute(self._connection, _LOCK_ALL, known)
        sessions = map(session_of, execute(self._connection, _FIND_ALL, known))
        return {session.session_id: session for session in sessions}

    def add_photo(
        self, session_id: UploadSessionId, photo: UploadedPhoto, *, sketch: bytes | None = None
    ) -> None:
        execute(
            self._connection,
            _ADD_PHOTO,
            {"session_id": session_id, "sketch": sketch, **photo_row(photo)},
        )

    def inspected(self, photo_id: PhotoId) -> ImageFacts | None:
        row = execute(self._connection, _INSPECTED, {"photo_id": photo_id}).fetchone()
        return ImageFacts(**row._asdict()) if row is not None else None

    def remove_photo(self, session_id: UploadSessionId, photo_id: PhotoId) -> None:
        self._connection.execute(
            delete(file_uploads).where(
                file_uploads.c.session_id == session_id, file_uploads.c.photo_id == photo_id
            )
        )

    def set_status(self, session_id: UploadSessionId, status: UploadStatus) -> None:
        execute(self._connection, _SET_STATUS, {"session_id": session_id, "status": status})

    def set_paid(self, session_ids: Sequence[UploadSessionId]) -> None:
        execute(self._connection, _SET_PAID, {"session_ids": list(session_ids), "status": UploadStatus.PAID})

    def set_checkout(self, session_id: UploadSessionId, checkout: Checkout) -> None:
        execute(
            self._connection,
            _SET_CHECKOUT,
            {"session_id": session_id, "status": UploadStatus.CHECKOUT, **checkout_row(checkout)},
        )

    def file_names(self, order_id: OrderId) -> dict[PhotoId, str]:
        rows = execute(self._connection, _FILE_NAMES, {"order_id": order_id})
        return {PhotoId(photo_id): file_name for photo_id, file_name in rows}

    def expire_stale(
        self, opened_before: datetime, checkout_expired_before: datetime, limit: int
    ) -> list[UploadSessionId]:
        rows = self._connection.execute(
            _EXPIRE_STALE,
            {
                "opened_before": opened_before,
                "checkout_expired_before": checkout_expired_before,
                "limit": limit,
            },
        )
        return [UploadSessionId(session_id) for session_id in rows.scalars()]

    def pending(self, reserved_before: datetime) -> list[str]:
        rows = self._connection.execute(
            select(upload_sessions.c.checkout_session_id)
            .where(
                upload_sessions.c.status == UploadStatus.PENDING,
                upload_sessions.c.checkout_reserved_at < reserved_before,
            )
            .order_by(upload_sessions.c.checkout_reserved_at)
        )
        return list(rows.scalars())

    def forget_temp_objects(self, session_id: UploadSessionId, now: datetime) -> None:
        """Record the deletion; an unpaid session also loses its photos' rows."""
        of_it = file_uploads.c.session_id == session_id
        self._connection.execute(update(file_uploads).where(of_it).values(sketch=None))
        unpaid = select(upload_sessions.c.session_id).where(
            upload_sessions.c.session_id == session_id, upload_sessions.c.status != UploadStatus.PAID
        )
        self._connection.execute(delete(file_uploads).where(file_uploads.c.session_id.in_(unpaid)))
        self._connection.execute(
            delete(resumable_uploads).where(resumable_uploads.c.session_id == session_id)
        )
        of_session = upload_sessions.c.session_id == session_id
        self._connection.execute(
            update(upload_sessions).where(of_session).values(temp_objects_deleted_at=now)
        )

    def remove_tidied(self, tidied_before: datetime) -> int:
        removed = self._connection.execute(
            delete(upload_sessions).where(
                upload_sessions.c.status == UploadStatus.EXPIRED,
                upload_sessions.c.temp_objects_deleted_at < tidied_before,
            )
        )
        return removed.rowcount
