"""Figures about the whole shop, read with a short time-out.

The database composes each answer as JSON, so that each takes one round trip, whatever the number of tables.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from psycopg.errors import ConfigurationLimitExceeded
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from adapters.circuit_breaker import CircuitBreaker
from adapters.postgres.connections import connect
from adapters.postgres.outages import PROVIDER, FullDiskError, outages
from adapters.postgres.usage_totals import STORED_BYTES
from domain.ports.errors import UnavailableError
from domain.ports.shop_facts import RECENT, CurrentFacts, PeriodFacts, ShopFacts, TotalFacts

#: A figure that takes longer is left out: no scrape may slow the shop down.
STATEMENT_TIMEOUT_SECONDS = 3.0
#: The same for sums over whole tables.
TOTALS_TIMEOUT_SECONDS = 30.0

_T = TypeVar("_T")

#: ``due_at`` of a claimed or closed reaction is when it was last claimed. One that waits for a prediction has a problem
#: and no attempts.
_OPEN_WORK = """SELECT kind,
        count(*) FILTER (WHERE status = 'pending' AND due_at > :now) AS scheduled,
        count(*) FILTER (WHERE status = 'pending' AND due_at <= :now) AS waiting,
        count(*) FILTER (WHERE status = 'leased') AS in_flight,
        count(*) FILTER (WHERE problem IS NOT NULL AND attempts > CASE status WHEN 'leased' THEN 1 ELSE 0 END)
            AS failing,
        min(due_at) FILTER (WHERE status = 'pending' AND due_at <= :now) AS oldest_due_at,
        min(due_at) FILTER (WHERE status = 'leased') AS oldest_claimed_at
    FROM reactions WHERE status IN ('pending', 'leased') GROUP BY kind"""
_CLOSED_WORK = """SELECT kind,
        count(*) FILTER (WHERE status = 'done') AS done_recently,
        count(*) FILTER (WHERE status = 'failed') AS given_up_recently
    FROM reactions WHERE status IN ('done', 'failed') AND due_at > :recently GROUP BY kind"""
_WORK = f"""SELECT kind, coalesce(scheduled, 0) AS scheduled, coalesce(waiting, 0) AS waiting,
        coalesce(in_flight, 0) AS in_flight, coalesce(failing, 0) AS failing,
        coalesce(done_recently, 0) AS done_recently, coalesce(given_up_recently, 0) AS given_up_recently,
        oldest_due_at, oldest_claimed_at
    FROM ({_OPEN_WORK}) AS open FULL JOIN ({_CLOSED_WORK}) AS closed USING (kind) ORDER BY kind"""
_HELD = "SELECT hold_reason, count(*) AS held FROM orders WHERE hold_reason IS NOT NULL GROUP BY hold_reason"
#: A refund is owed until the provider has it; one that failed there is owed again. No such order is archived.
_OWED = """SELECT requested.order_id, number, requested.data -> 'amount' AS amount, requested.recorded_at AS since
    FROM (
        SELECT order_id FROM reactions WHERE kind = 'IssueRefund' AND status IN ('pending', 'leased')
        UNION SELECT order_id FROM orders WHERE hold_reason = 'refund_not_issued'
    ) AS candidates
    JOIN orders USING (order_id) JOIN ONLY events AS requested USING (order_id)
    WHERE requested.name LIKE 'order.refund_requested.%' AND (
        SELECT latest.name FROM ONLY events AS latest
        WHERE latest.order_id = requested.order_id AND latest.name LIKE 'order.refund_%'
          AND latest.data ->> 'refund_id' = requested.data ->> 'refund_id'
        ORDER BY latest.version DESC LIMIT 1
    ) SIMILAR TO 'order.refund_(requested|failed).%'
    ORDER BY since"""
_UNMATCHED = """SELECT currency, sum(amount - coalesce(
        (SELECT sum(CAST(value AS bigint)) FROM jsonb_each_text(returned)), 0)) AS amount
    FROM unmatched_payments WHERE status IN ('open', 'refunding') GROUP BY currency"""
_NEWEST = "SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1"
_UNREAD = """SELECT count(*) AS events, min(recorded_at) AS since FROM events
    WHERE txid >= pg_snapshot_xmin(pg_current_snapshot())"""


def _list_of(query: str) -> str:
    return f"(SELECT coalesce(json_agg(row), '[]') FROM ({query}) AS row)"


_CURRENT = text(
    f"""WITH newest AS ({_NEWEST}), unread AS ({_UNREAD})
    SELECT json_build_object(
        'work', {_list_of(_WORK)},
        'held', (SELECT coalesce(json_object_agg(hold_reason, held), '{{}}') FROM ({_HELD}) AS holds),
        'owed_refunds', {_list_of(_OWED)},
        'unmatched', {_list_of(_UNMATCHED)},
        'log_position', coalesce((SELECT position FROM newest), 0),
        'recorded_at', (SELECT recorded_at FROM newest),
        'unread_events', (SELECT events FROM unread),
        'unread_since', (SELECT since FROM unread),
        'reconciled_at', (SELECT max(ended_at) FROM reconciliations),
        'schema', (SELECT version_num FROM alembic_version)
    )::text"""
)

_ORDERS = """SELECT state, currency, count(*) AS orders, sum(paid_amount) AS received, sum(refunded_amount) AS refunded,
        sum(images) AS photos, sum(restored_images) AS restored, sum(failed_images) AS failed
    FROM orders GROUP BY state, currency ORDER BY state, currency"""
_EMAILS = (
    "SELECT kind, status, count(*) AS emails FROM email_queue GROUP BY kind, status ORDER BY kind, status"
)
#: An inquiry that becomes a dispute is opened a second time. No such order is archived.
_DISPUTES = """SELECT DISTINCT ON (order_id, opened.data ->> 'dispute_id') order_id, number,
        opened.data ->> 'dispute_id' AS dispute_id, opened.data -> 'amount' AS amount, recorded_at AS opened_at,
        coalesce(CAST(opened.data ->> 'is_inquiry' AS boolean), false) AS is_inquiry,
        opened.data ->> 'respond_by' AS respond_by
    FROM orders JOIN ONLY events AS opened USING (order_id)
    WHERE (is_disputed OR has_open_inquiry) AND opened.name LIKE 'order.dispute_opened.%' AND NOT EXISTS (
        SELECT FROM ONLY events AS closed
        WHERE closed.order_id = opened.order_id AND closed.name LIKE 'order.dispute_closed.%'
          AND closed.data ->> 'dispute_id' = opened.data ->> 'dispute_id'
    )
    ORDER BY order_id, opened.data ->> 'dispute_id', opened.version DESC"""

_TOTALS = text(
    f"""SELECT json_build_object(
        'orders', {_list_of(_ORDERS)},
        'emails', {_list_of(_EMAILS)},
        'disputes', {_list_of(_DISPUTES)},
        'stored_bytes', ({STORED_BYTES})
    )::text"""
)
_NAMES = """SELECT regexp_replace(name, '\\.v[0-9]+$', '') AS name, count(*) AS events FROM events
    WHERE recorded_at >= :since AND recorded_at < :until GROUP BY 1"""


def _sums_of(event: str, amount: str) -> str:
    """The amounts of one kind of event within the period, by currency."""
    return f"""SELECT data -> '{amount}' ->> 'currency' AS currency,
            sum(CAST(data -> '{amount}' ->> 'amount' AS bigint)) AS amount FROM events
        WHERE recorded_at >= :since AND recorded_at < :until AND name LIKE '{event}.%' GROUP BY 1 ORDER BY 1"""


_PERIOD = text(
    f"""SELECT json_build_object(
        'events', (SELECT coalesce(json_object_agg(name, events), '{{}}') FROM ({_NAMES}) AS names),
        'received', {_list_of(_sums_of("order.payment_received", "paid"))},
        'refunded', {_list_of(_sums_of("order.refund_issued", "amount"))},
        'findings', (SELECT coalesce(sum(findings - healed), 0) FROM reconciliations
            WHERE ended_at >= :since AND ended_at < :until)
    )::text"""
)
#: Small memory and the database's own disk, for a statement that writes what it does not keep.
_ON_DISK = text("SELECT set_config('work_mem', '64kB', true), set_config('temp_tablespaces', '', true)")
#: As much as one file of the write-ahead log, without which PostgreSQL stops.
_FILL = text(
    """WITH filling AS MATERIALIZED (SELECT repeat('x', 8192) FROM generate_series(1, 2048))
    SELECT count(*) FROM filling"""
)
_FIRST_AFTER = text("SELECT recorded_at FROM events WHERE position > :position ORDER BY position LIMIT 1")


class PostgresShopFacts(ShopFacts):
    """The figures from a ``postgresql://`` URL, on two connections."""

    def __init__(self, database_url: str) -> None:
        self._engine = connect(
            database_url, connections=1, statement_timeout_seconds=STATEMENT_TIMEOUT_SECONDS
        )
        self._slow_engine = connect(
            database_url, connections=1, statement_timeout_seconds=TOTALS_TIMEOUT_SECONDS
        )
        self._breaker = CircuitBreaker(PROVIDER)

    def current(self, now: datetime) -> CurrentFacts:
        parameters = {"now": now, "recently": now - RECENT}
        return self._read(self._engine, _CURRENT, parameters, msgspec.json.Decoder(CurrentFacts).decode)

    def totals(self) -> TotalFacts:
        return self._read(self._slow_engine, _TOTALS, {}, msgspec.json.Decoder(TotalFacts).decode)

    def period(self, since: datetime, until: datetime) -> PeriodFacts:
        parameters = {"since": since, "until": until}
        return self._read(self._slow_engine, _PERIOD, parameters, msgspec.json.Decoder(PeriodFacts).decode)

    def first_event_after(self, position: int) -> datetime | None:
        recorded_at: datetime | None = self._read(
            self._slow_engine, _FIRST_AFTER, {"position": position}, lambda moment: moment
        )
        return recorded_at

    def has_free_space(self) -> bool:
        """Whether the database's disk takes a temporary file of 16 MiB.

        PostgreSQL deletes it at once. Where temporary files are limited, the answer is yes.
        """
        try:
            with outages(self._breaker), self._slow_engine.begin() as connection:
                connection.execute(_ON_DISK)
                connection.execute(_FILL)
        except FullDiskError:
            return False
        except UnavailableError as error:
            cause = error.__cause__
            if isinstance(cause, DBAPIError) and isinstance(cause.orig, ConfigurationLimitExceeded):
                return True
            raise
        return True

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()
        self._slow_engine.dispose()

    def _read(
        self, engine: Engine, statement: Any, parameters: dict[str, Any], decode: Callable[[Any], _T]
    ) -> _T:
        with outages(self._breaker), engine.connect() as connection:
            return decode(connection.execute(statement, parameters).scalar_one_or_none())
