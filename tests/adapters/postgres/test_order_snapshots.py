"""Loading continues from a snapshot only if the log agrees."""

from collections.abc import Callable, Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from adapters.postgres import order_snapshots
from adapters.postgres.event_codec import Codec
from adapters.postgres.log_archive import move
from adapters.postgres.order_snapshots import EVERY_EVENTS, decoded, encoded, made_by
from adapters.postgres.rebuilding import rebuild
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.evolve import fold
from domain.order.order import Order
from domain.order.replacement import replace
from domain.order.values import Sha256
from domain.ports.event_store import EventStore
from tests.contracts.stored_streams import facts, take_order
from tests.domain.support.event_builders import Facts
from tests.domain.support.recording import step

READERS: dict[str, Callable[[EventStore, Order], Order | None]] = {
    "loaded": lambda store, order: store.load(order.order_id),
    "loaded repeatedly": lambda store, order: store.load_repeatedly(order.order_id),
    "loaded locked": lambda store, order: store.load_locked(order.order_id),
    "loaded by its link": lambda store, order: store.load_by_token(
        next(iter(order.links.values())).token_sha256
    ),
    "loaded by its payment": lambda store, order: store.load_by_payment(
        (order.payment and order.payment.payment_intent_id) or ""
    ),
}


def lived(unit_of_work: PostgresUnitOfWork, events: int) -> Order:
    """Record a delivered order, then points, one event a commit."""
    about = facts()
    order = take_order(unit_of_work, about, *about.until_completed()[1:])
    assert order.version < EVERY_EVENTS
    while order.version < events:
        order = credited(unit_of_work, order, 1)
    return order


def credited(unit_of_work: PostgresUnitOfWork, order: Order, events: int) -> Order:
    """Record events that would count twice if they were applied twice."""
    about = Facts(order_id=order.order_id)
    more = step(order, *(about.credited(points) for points in range(1, events + 1)))
    with unit_of_work.transaction() as transaction:
        transaction.event_store.append(more)
    return more.after


def kept(database_url: str, order: Order) -> Order | None:
    """Return the state in an order's snapshot."""
    rows = ask(database_url, "SELECT version, state FROM order_snapshots WHERE order_id = %s", order.order_id)
    for version, state in rows:
        assert version == decoded(state).version
    return decoded(rows[0][1]) if rows else None


def ask(database_url: str, statement: LiteralString, *parameters: object) -> list[Any]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        ended = connection.execute(statement, parameters)
        return ended.fetchall() if ended.description else []


def loaded(unit_of_work: PostgresUnitOfWork, order: Order, reader: str = "loaded") -> Order | None:
    with unit_of_work.transaction() as transaction:
        return READERS[reader](transaction.event_store, order)


def forge(database_url: str, order: Order, **more: Any) -> Order:
    """Store another state in the order's snapshot; return what loading it gives."""
    snapshot = kept(database_url, order)
    assert snapshot is not None
    forged = replace(snapshot, photos_are_purged=True, **more)
    ask(
        database_url,
        "UPDATE order_snapshots SET state = %s WHERE order_id = %s",
        encoded(forged),
        order.order_id,
    )
    return replace(order, photos_are_purged=True)


def test_an_order_gets_a_snapshot_when_its_events_pass_a_multiple(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    ninth = lived(unit_of_work, EVERY_EVENTS - 1)
    assert kept(own_database_url, ninth) is None
    tenth = credited(unit_of_work, ninth, 1)
    assert kept(own_database_url, tenth) == tenth
    nineteenth = credited(unit_of_work, tenth, EVERY_EVENTS - 1)
    assert kept(own_database_url, nineteenth) == tenth
    beyond = credited(unit_of_work, nineteenth, 3)
    assert kept(own_database_url, beyond) == beyond


@pytest.mark.parametrize("reader", READERS)
def test_an_order_is_loaded_from_its_snapshot_on(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, reader: str
) -> None:
    order = lived(unit_of_work, EVERY_EVENTS + 2)
    with unit_of_work.transaction() as transaction:
        history = transaction.event_store.history(order.order_id)
    found = loaded(unit_of_work, order, reader)
    assert found == order == fold(order.order_id, history)
    assert found is not None
    assert found.head == history[-1].sha256
    forged = forge(own_database_url, order)
    fresh = PostgresUnitOfWork(own_database_url, connections=1)
    try:
        assert loaded(fresh, order, reader) == forged != order, "its events alone were read"
    finally:
        fresh.close()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE order_snapshots SET made_by = 'an earlier version'", id="of other code"),
        pytest.param("UPDATE order_snapshots SET version = version - 1", id="of another version"),
        pytest.param("UPDATE order_snapshots SET version = 1000", id="after the log's end"),
        pytest.param("DELETE FROM order_snapshots", id="missing"),
    ],
)
@pytest.mark.parametrize("reader", READERS)
def test_a_snapshot_that_does_not_belong_to_code_and_log_is_passed_over(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, change: LiteralString, reader: str
) -> None:
    order = lived(unit_of_work, EVERY_EVENTS + 2)
    forge(own_database_url, order)
    ask(own_database_url, change)
    assert loaded(unit_of_work, order, reader) == order


@pytest.mark.parametrize("reader", READERS)
def test_a_snapshot_of_another_log_is_passed_over(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, reader: str
) -> None:
    order = lived(unit_of_work, EVERY_EVENTS + 2)
    forge(own_database_url, order, head=Sha256("0" * 64))
    assert loaded(unit_of_work, order, reader) == order


def test_a_snapshot_of_other_code_is_replaced_at_the_next_multiple(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    order = lived(unit_of_work, EVERY_EVENTS)
    ask(own_database_url, "UPDATE order_snapshots SET made_by = 'an earlier version'")
    order = credited(unit_of_work, order, EVERY_EVENTS)
    assert loaded(unit_of_work, order) == order
    assert loaded(unit_of_work, order) != forge(own_database_url, order) == loaded(unit_of_work, order)


def test_an_order_without_events_is_new_whatever_a_snapshot_says(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    order = lived(unit_of_work, EVERY_EVENTS)
    other = Facts(order_id=facts().order_id)
    ask(own_database_url, "UPDATE order_snapshots SET order_id = %s", other.order_id)
    for reader in ("loaded", "loaded locked"):
        with unit_of_work.transaction() as transaction:
            found = READERS[reader](transaction.event_store, replace(order, order_id=other.order_id))
        assert found == Order(order_id=other.order_id)


def test_what_is_recorded_after_a_load_from_a_snapshot_continues_the_chain(
    unit_of_work: PostgresUnitOfWork,
) -> None:
    order = loaded(unit_of_work, lived(unit_of_work, EVERY_EVENTS + 1))
    assert order is not None
    longer = credited(unit_of_work, order, 2)
    with unit_of_work.transaction() as transaction:
        history = transaction.event_store.history(order.order_id)
    assert len(history) == longer.version == EVERY_EVENTS + 3
    assert fold(order.order_id, history) == longer


def test_a_snapshot_that_was_changed_is_named_until_the_read_models_are_rebuilt(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    order = lived(unit_of_work, EVERY_EVENTS + 2)

    def differing() -> dict[Any, list[str]]:
        with unit_of_work.transaction() as transaction:
            return transaction.reconciliation_queries.differing_read_models([order])

    assert differing() == {}
    forge(own_database_url, order)
    assert differing() == {order.order_id: ["order_snapshots"]}
    assert list(rebuild(own_database_url, Codec())) == [order.order_id]
    assert kept(own_database_url, order) is None
    assert differing() == {}


def test_an_archived_order_has_no_snapshot_and_comes_back_whole(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    order = lived(unit_of_work, EVERY_EVENTS + 2)
    with unit_of_work.transaction() as transaction:
        transaction.event_store.lock(order.order_id)
        move(transaction.event_store.connection, [order.order_id])
    assert kept(own_database_url, order) is None
    assert [loaded(unit_of_work, order, reader) for reader in READERS] == [order] * len(READERS)


def test_an_order_that_was_archived_after_its_snapshot_was_read_is_loaded_whole(
    unit_of_work: PostgresUnitOfWork, own_database_url: str
) -> None:
    order = lived(unit_of_work, EVERY_EVENTS + 2)
    with unit_of_work.transaction() as transaction:
        transaction.event_store.lock(order.order_id)
        move(transaction.event_store.connection, [order.order_id])
    rows = ask(own_database_url, "SELECT version FROM locked_stream(%s, %s)", order.order_id, EVERY_EVENTS)
    assert [version for (version,) in rows] == list(range(1, order.version + 1))


@pytest.fixture
def _fresh_name() -> Iterator[None]:
    made_by.cache_clear()
    yield
    made_by.cache_clear()


@pytest.mark.usefixtures("_fresh_name")
@pytest.mark.parametrize("source", ["domain/order/evolve_money.py", "adapters/postgres/event_codec.py"])
def test_code_that_folds_otherwise_has_another_name(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(__file__).parents[3]
    for package in ("domain/order", "adapters/postgres"):
        (tmp_path / package).mkdir(parents=True)
        for file in (root / package).glob("*.py"):
            (tmp_path / package / file.name).write_bytes(file.read_bytes())
    name = made_by()

    def copies(package: str) -> Traversable:
        return tmp_path / package.replace(".", "/")

    monkeypatch.setattr(order_snapshots, "files", copies)
    made_by.cache_clear()
    assert made_by() == name
    changed = tmp_path / source
    changed.write_text(changed.read_text() + "# a comment is enough")
    made_by.cache_clear()
    assert made_by() != name
