"""Laws 1 and 2: the log by itself, and the tables that follow from it."""

from collections.abc import Iterator, Sequence

from adapters.postgres.read_models import rows_of
from domain.order import events as e
from domain.order.evolve import apply
from domain.order.lifecycle import allowed
from domain.order.order import Order
from domain.order.values import OrderId
from tests.chaos.collected_state import ExportArchive

WHOLE = "Versions in a stream are 1..n without a gap; every stream folds without an illegal move."
FOLDED = "The read models equal a fold of the log."


def streams_are_whole(export_archive: ExportArchive) -> Iterator[str]:
    """Gaps, illegal moves, causes that were recorded twice, and hashes that do not follow from one another."""
    for order_id, history in export_archive.histories.items():
        yield from _follow(order_id, history)
        causes = [recorded.cause_key for recorded in history]
        if len(causes) != len(set(causes)):
            yield f"Order {order_id} has recorded the same cause twice."
    yield from export_archive.broken_chain


def read_models_are_folds(export_archive: ExportArchive) -> Iterator[str]:
    """Rows that are missing, rows that are too many, and rows that say something else than the log."""
    expected: dict[str, dict[tuple[object, ...], object]] = {}
    for order in export_archive.orders.values():
        for table, rows in rows_of(order).items():
            expected.setdefault(table, {}).update(rows)
    for table in expected.keys() | export_archive.read_models.keys():
        told, folded = export_archive.read_models.get(table, {}), expected.get(table, {})
        for key in told.keys() | folded.keys():
            if told.get(key) != folded.get(key):
                yield f"{table} {key} holds {told.get(key)}, and the log says {folded.get(key)}."


def _follow(order_id: OrderId, history: Sequence[e.RecordedEvent]) -> Iterator[str]:
    order = Order(order_id=order_id)
    for version, recorded in enumerate(history, start=1):
        name = type(recorded.event).__name__
        if recorded.version != version:
            yield f"Order {order_id} has version {recorded.version} where {version} should be."
            return
        if type(recorded.event) not in allowed(order.state):
            yield f"Order {order_id} was {order.state} when {name} was recorded as version {version}."
            return
        order = apply(order, recorded)
