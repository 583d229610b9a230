"""Usage over all clients, one row per quota and window."""

from datetime import datetime

from sqlalchemy import Connection, text

from adapters.postgres.driver_sql import execute
from domain.ports.rate_limiter import Quota, UsageTotals

_TAKE = """INSERT INTO usage_totals AS kept (name, window_started_at, amount)
    SELECT :name, :window_started_at, :amount WHERE :amount <= :limit
    ON CONFLICT (name, window_started_at) DO UPDATE SET amount = kept.amount + EXCLUDED.amount
        WHERE kept.amount + EXCLUDED.amount <= :limit
    RETURNING amount"""
_TAKEN = text("SELECT amount FROM usage_totals WHERE name = :name AND window_started_at = :window_started_at")
_DELETE = text("DELETE FROM usage_totals WHERE window_started_at < :started_before")
#: Originals and results of orders not purged, archives of their links, and uploads and their parts under temporary
#: keys.
STORED_BYTES = """SELECT
        (SELECT coalesce(sum(size_bytes), 0) FROM file_uploads JOIN upload_sessions USING (session_id)
         WHERE temp_objects_deleted_at IS NULL)
      + (SELECT coalesce(sum(offset_bytes), 0) FROM resumable_uploads WHERE photo_id IS NULL)
      + (SELECT coalesce(sum(size_bytes + coalesce(restored_size_bytes, 0)), 0) FROM images
         JOIN orders USING (order_id) WHERE NOT photos_are_purged AND original_key IS NOT NULL)
      + (SELECT coalesce(sum(archive_size_bytes), 0) FROM (
            SELECT DISTINCT archive_key, archive_size_bytes FROM download_links
            JOIN orders USING (order_id) WHERE NOT photos_are_purged
         ) AS archives)"""


class PostgresUsageTotals(UsageTotals):
    """The totals on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, quota: Quota, window_started_at: datetime, amount: int = 1) -> bool:
        """Add to the window's total unless that exceeds the quota.

        One atomic statement, so concurrent calls cannot exceed it together.
        """
        asked = {"name": quota.name, "window_started_at": window_started_at, "amount": amount}
        return execute(self._connection, _TAKE, {**asked, "limit": quota.amount}).rowcount == 1

    def taken(self, quota: Quota, window_started_at: datetime) -> int:
        asked = {"name": quota.name, "window_started_at": window_started_at}
        return int(self._connection.execute(_TAKEN, asked).scalar_one_or_none() or 0)

    def forget(self, started_before: datetime) -> None:
        self._connection.execute(_DELETE, {"started_before": started_before})

    def stored_bytes(self) -> int:
        return int(self._connection.execute(text(STORED_BYTES)).scalar_one())
