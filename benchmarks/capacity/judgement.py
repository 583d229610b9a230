"""At the end: every paid order has ended, and the laws hold."""

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import dict_row

from adapters.localization.log_defect_text import defect_text
from benchmarks.capacity.shop import MeasuredShop
from domain.order.values import OrderId
from domain.use_cases.audit.log_verification import verify
from tests.chaos.collected_state import mails_of, payments_of, predictions_of, read_models_of
from tests.chaos.provider_records import records_of
from tests.journeys.running_shop import unit_of_work_of
from tests.laws import violations
from tests.laws.snapshot import Snapshot, whole_stream


def broken_promises(measured: MeasuredShop) -> Iterator[str]:
    """Yield a sentence for each broken law."""
    snapshot = _snapshot(measured)
    for violation in violations(snapshot):
        yield f"Law {violation.law}: {violation.sentence}"
    if not snapshot.streams:
        yield "There is no order: nothing was measured."


def _snapshot(measured: MeasuredShop) -> Snapshot:
    """Return the log, the read models and the providers' records."""
    shop = measured.shop
    with (
        psycopg.connect(measured.database_url, autocommit=True, row_factory=dict_row) as connection,
        unit_of_work_of(shop) as unit_of_work,
    ):

        def query(sql: str) -> list[dict[str, Any]]:
            return connection.execute(sql.encode()).fetchall()

        order_ids = [OrderId(row["order_id"]) for row in query("SELECT DISTINCT order_id FROM events")]
        with unit_of_work.transaction() as transaction:
            histories = transaction.reconciliation_queries.streams(order_ids)
        verdict = verify(unit_of_work.chained_events())
        customers = query("SELECT customer_id, email FROM customers")
        read_models = read_models_of(query)
    stripe, replicate, sendgrid = (
        records_of(shop.data_dir, twin) for twin in ("stripe", "replicate", "sendgrid")
    )
    return Snapshot(
        is_at_rest=True,
        time_is_up=True,
        streams={order_id: whole_stream(order_id, history) for order_id, history in histories.items()},
        chain_defects=[defect_text(finding) for finding in verdict.findings],
        read_models=read_models,
        payments=payments_of(stripe),
        predictions=predictions_of(replicate),
        mails=mails_of(sendgrid),
        customers={row["customer_id"]: row["email"] for row in customers},
    )
