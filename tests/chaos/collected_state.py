"""All evidence of a run in one place: what the laws are held against."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from minio import Minio

from adapters.postgres.read_models import Rows
from adapters.postgres.tables import READ_MODELS, metadata
from domain.order import events as e
from domain.order.errors import ShopError
from domain.order.evolve import fold
from domain.order.order import Order
from domain.order.values import OrderId
from domain.use_cases.audit.log_verification import verify
from tests.chaos.provider_records import Ledger, ledger_of
from tests.chaos.shop_under_test import Stage
from tests.chaos.visits import Town
from tests.journeys.running_shop import unit_of_work_of

Row = dict[str, Any]
#: Where a token might hide: a word as long as one, of the letters that tokens are made of.
_WORD = re.compile(r"[A-Za-z0-9_-]{20,}")


@dataclass(frozen=True, kw_only=True)
class ExportArchive:
    """What the log, the database, the storage, the providers and the visitors say. Nothing of it changes any more."""

    histories: Mapping[OrderId, Sequence[e.RecordedEvent]] = field(default_factory=dict)
    broken_chain: Sequence[str] = ()  # what the shop's own verification of the hashes finds
    read_models: Rows = field(default_factory=dict)
    recorded: Sequence[Row] = ()  # the events' rows: order_id, version, cause_key, txid
    reactions: Sequence[Row] = ()
    leases: Sequence[Row] = ()
    unmatched: Sequence[Row] = ()
    upload_sessions: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()  # every long word in any table
    objects: Mapping[str, str] = field(default_factory=dict)  # key and SHA-256 of all that is stored
    stripe: Ledger = field(default_factory=Ledger)
    replicate: Ledger = field(default_factory=Ledger)
    sendgrid: Ledger = field(default_factory=Ledger)
    town: Town = field(default_factory=Town)
    restless: Sequence[str] = ()  # what had not come to rest when time was up

    @cached_property
    def orders(self) -> dict[OrderId, Order]:
        """Every stream that can be folded, folded; the first law tells of the others."""
        folded = {}
        for order_id, history in self.histories.items():
            try:
                folded[order_id] = fold(order_id, history)
            except (ShopError, LookupError, AssertionError):
                continue
        return folded

    @cached_property
    def events(self) -> list[e.Event]:
        """What happened, in any order."""
        return [recorded.event for history in self.histories.values() for recorded in history]


def gathered(stage: Stage, town: Town, restless: Sequence[str]) -> ExportArchive:
    """The evidence as it stands now."""
    with unit_of_work_of(stage.shop) as unit_of_work:
        order_ids = [OrderId(row["order_id"]) for row in stage.ask("SELECT DISTINCT order_id FROM events")]
        with unit_of_work.transaction() as transaction:
            histories = transaction.reconciliation_queries.streams(order_ids)
        verdict = verify(unit_of_work.chained_events())
    return ExportArchive(
        histories=histories,
        broken_chain=[str(finding) for finding in verdict.findings],
        read_models=_read_models(stage),
        recorded=stage.ask("SELECT order_id, version, cause_key, txid::text AS txid FROM events"),
        reactions=stage.ask("SELECT * FROM reactions"),
        leases=stage.ask("SELECT *, txid::text AS txid FROM chaos.leases ORDER BY number"),
        unmatched=stage.ask("SELECT * FROM unmatched_payments"),
        upload_sessions=frozenset(
            str(row["session_id"]) for row in stage.ask("SELECT session_id FROM upload_sessions")
        ),
        words=frozenset(_words(stage)),
        objects=_objects(stage.storage(), stage.shop.environment["S3_BUCKET"]),
        stripe=ledger_of(stage.data_dir, "stripe"),
        replicate=ledger_of(stage.data_dir, "replicate"),
        sendgrid=ledger_of(stage.data_dir, "sendgrid"),
        town=town,
        restless=restless,
    )


def _read_models(stage: Stage) -> Rows:
    """Every read model by its key, but for when its rows were written."""
    rows: Rows = {}
    for table in READ_MODELS:
        key = [column.name for column in table.primary_key]
        found = stage.ask(f"SELECT * FROM {table.name}")
        rows[table.name] = {
            tuple(row[name] for name in key): {k: v for k, v in row.items() if k != "updated_at"}
            for row in found
        }
    return rows


def _words(stage: Stage) -> Iterator[str]:
    for table in metadata.tables:
        for row in stage.ask(f"SELECT to_jsonb(t)::text AS told FROM {table} t"):
            yield from _WORD.findall(row["told"])


def _objects(storage: Minio, bucket: str) -> dict[str, str]:
    keys = [str(found.object_name) for found in storage.list_objects(bucket, recursive=True)]

    def fingerprint(key: str) -> str:
        with closing(storage.get_object(bucket, key)) as answer:
            digest = hashlib.sha256(answer.read()).hexdigest()
            answer.release_conn()
        return digest

    with ThreadPoolExecutor(max_workers=4) as readers:
        return dict(zip(keys, readers.map(fingerprint, keys), strict=True))
