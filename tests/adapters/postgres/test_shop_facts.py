"""Figures about the whole shop match what happened in it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from adapters.postgres.shop_facts import PostgresShopFacts
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order import events as e
from domain.order.values import FailureReason, HoldReason, Money, OrderId
from domain.ports.errors import UnavailableError
from domain.ports.shop_facts import CurrentFacts, WorkFacts
from domain.use_cases.order_transaction import Cause
from tests.doubles.container import InMemoryShop
from tests.waiting import eventually

PHOTO, SECOND_PHOTO = b"\xff\xd8 great-aunt-1931", b"\xff\xd8 harvest-1926"
PRICE = 490


@pytest.fixture
def shop(unit_of_work: PostgresUnitOfWork) -> InMemoryShop:
    return InMemoryShop(unit_of_work=unit_of_work)


@pytest.fixture
def facts(own_database_url: str) -> Iterator[PostgresShopFacts]:
    with closing(PostgresShopFacts(own_database_url)) as facts:
        yield facts


def record(shop: InMemoryShop, order_id: OrderId, *events: e.Event) -> None:
    cause = Cause(name="planted", key=str(uuid4()), actor="test", correlation_id=order_id)
    shop.command_handler.handle(order_id, events, cause)


def work(facts: CurrentFacts, kind: str) -> WorkFacts:
    return next((each for each in facts.work if each.kind == kind), WorkFacts(kind=kind))


def test_an_empty_shop_has_no_figures(facts: PostgresShopFacts, shop: InMemoryShop) -> None:
    current, totals = facts.current(shop.clock.now()), facts.totals()
    assert (current.work, current.held, current.owed_refunds, current.log_position) == ([], {}, [], 0)
    assert (current.recorded_at, current.unread_events, current.reconciled_at) == (None, 0, None)
    assert (totals.orders, totals.emails, totals.disputes, totals.stored_bytes) == ([], [], [], 0)
    assert current.schema.isdigit()


def test_a_disk_that_takes_a_file_has_free_space(facts: PostgresShopFacts, own_database_url: str) -> None:
    """A full one is tried in containers, where it can be filled."""
    assert facts.has_free_space()
    written = "SELECT sum(temp_bytes) >= 16000000 FROM pg_stat_database WHERE datname = current_database()"

    def is_written() -> bool:
        with psycopg.connect(own_database_url) as connection:
            return connection.execute(written).fetchone() == (True,)

    eventually(is_written, "a temporary file on the disk")


def test_a_limit_of_temporary_files_is_no_full_disk(own_database_url: str) -> None:
    with psycopg.connect(own_database_url, autocommit=True) as connection:
        change = f"ALTER DATABASE \"{connection.info.dbname}\" SET temp_file_limit = '1MB'"
        connection.execute(change.encode())
    with closing(PostgresShopFacts(own_database_url)) as facts:
        assert facts.has_free_space()


def test_due_work_waits_until_it_is_claimed(facts: PostgresShopFacts, shop: InMemoryShop) -> None:
    shop.pay(shop.upload(PHOTO))
    due_at = shop.clock.now()
    waiting = work(facts.current(due_at), "MoveImages")
    assert (waiting.waiting, waiting.in_flight, waiting.oldest_due_at) == (1, 0, due_at)
    shop.reaction_runner.claim(shop.queue.waiting[0])
    in_flight = work(facts.current(due_at), "MoveImages")
    assert (in_flight.waiting, in_flight.in_flight, in_flight.oldest_claimed_at) == (0, 1, due_at)


def test_work_that_failed_and_is_retried_counts_as_failing(
    facts: PostgresShopFacts, shop: InMemoryShop
) -> None:
    order_id = shop.pay(shop.upload(PHOTO))
    shop.storage.fault_injector.fail("copy", UnavailableError("S3", "it is off"))
    shop.work()
    assert work(facts.current(shop.clock.now()), "MoveImages").failing == 1
    shop.live(order_id)
    done = work(facts.current(shop.clock.now() - timedelta(hours=3)), "MoveImages")
    assert (done.failing, done.done_recently) == (0, 1)


def test_orders_and_money_are_summed_by_state(facts: PostgresShopFacts, shop: InMemoryShop) -> None:
    shop.live(shop.pay(shop.upload(PHOTO)))
    shop.pay(shop.upload(PHOTO, SECOND_PHOTO))
    by_state = {each.state: each for each in facts.totals().orders}
    assert set(by_state) == {"completed", "paid"}
    assert (by_state["completed"].orders, by_state["completed"].restored) == (1, 1)
    assert (by_state["completed"].received, by_state["paid"].received) == (PRICE, 2 * PRICE)
    assert {(each.kind, each.status) for each in facts.totals().emails} >= {("result", "sent")}
    assert facts.totals().stored_bytes > 0


def test_a_refund_is_owed_until_the_provider_has_it(facts: PostgresShopFacts, shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(PHOTO))
    shop.work()
    for _ in range(20):
        shop.payments.fault_injector.fail("issue_refund", UnavailableError("Stripe", "it is off"))
    for _ in range(shop.policy.limits.max_restoration_attempts):
        shop.end_predictions(FailureReason.REFUSED_INPUT)
        shop.pass_time(minutes=1)
    requested_at = next(
        each.recorded_at
        for each in shop.queries.history(order_id)
        if isinstance(each.event, e.RefundRequested)
    )
    [owed] = facts.current(shop.clock.now()).owed_refunds
    assert (owed.order_id, owed.amount, owed.since) == (
        order_id,
        Money(amount=PRICE, currency="EUR"),
        requested_at,
    )
    shop.payments.fault_injector.clear_up()
    shop.live(order_id)
    assert facts.current(shop.clock.now()).owed_refunds == []
    assert sum(each.refunded for each in facts.totals().orders) == PRICE


def test_held_orders_are_counted_by_reason(facts: PostgresShopFacts, shop: InMemoryShop) -> None:
    record(shop, shop.pay(shop.upload(PHOTO)), e.OrderHeld(reason=HoldReason.REQUESTED))
    assert facts.current(shop.clock.now()).held == {"requested": 1}


def test_a_dispute_is_open_until_it_is_closed(facts: PostgresShopFacts, shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(PHOTO))
    amount = Money(amount=PRICE, currency="EUR")
    respond_by = shop.clock.now() + timedelta(days=19)
    opened = e.DisputeOpened(dispute_id="dp_1926", amount=amount, reason="fraudulent", respond_by=respond_by)
    record(shop, order_id, opened)
    [dispute] = facts.totals().disputes
    assert (dispute.order_id, dispute.dispute_id, dispute.amount) == (order_id, "dp_1926", amount)
    assert (dispute.opened_at, dispute.respond_by) == (shop.clock.now(), respond_by)
    record(shop, order_id, e.DisputeClosed(dispute_id="dp_1926", outcome="won"))  # type: ignore[arg-type]
    assert facts.totals().disputes == []


def test_events_of_an_open_transaction_delay_readers_of_the_log(
    facts: PostgresShopFacts, shop: InMemoryShop, own_database_url: str
) -> None:
    with psycopg.connect(own_database_url) as other:
        other.execute("SELECT pg_current_xact_id()")
        shop.pay(shop.upload(PHOTO))
        delayed = facts.current(shop.clock.now())
        assert (delayed.unread_events, delayed.unread_since) == (1, delayed.recorded_at)
    # Transactions in other databases of the server, which other tests use, delay readers as well.
    eventually(lambda: facts.current(shop.clock.now()).unread_events == 0, "a log that can be read")


def test_the_first_event_after_a_position_is_found(facts: PostgresShopFacts, shop: InMemoryShop) -> None:
    assert facts.first_event_after(0) is None
    paid_at = shop.clock.now()
    shop.pay(shop.upload(PHOTO))
    assert facts.first_event_after(0) == paid_at
    assert facts.first_event_after(facts.current(shop.clock.now()).log_position) is None


def test_a_period_has_what_was_recorded_in_it(facts: PostgresShopFacts, shop: InMemoryShop) -> None:
    began = shop.clock.now()
    shop.pay(shop.upload(PHOTO, SECOND_PHOTO))
    order_id = shop.pay(shop.upload(PHOTO))
    shop.work()
    for _ in range(shop.policy.limits.max_restoration_attempts):
        shop.end_predictions(FailureReason.REFUSED_INPUT)
        shop.pass_time(minutes=1)
    shop.live(order_id, hours=0.2)
    ended = shop.clock.now() + timedelta(seconds=1)
    period = facts.period(began, ended)
    assert period.events["order.payment_received"] == 2
    assert period.events["order.restoration_failed"] == 3
    assert period.received == [Money(amount=3 * PRICE, currency="EUR")]
    assert period.refunded == [Money(amount=3 * PRICE, currency="EUR")]
    assert facts.period(began - timedelta(days=1), began).events == {}
    assert facts.period(ended, ended + timedelta(days=1)).received == []
