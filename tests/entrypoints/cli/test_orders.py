"""Orders and the log on the command line, from a real database."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order import events as e
from domain.order.evolve import apply
from domain.order.order import Order
from domain.order.values import OrderId
from domain.ports.event_store import Commit
from tests.domain.support.event_builders import PAID_AT, Facts
from tests.entrypoints.support.shell import Shell
from tests.waiting import eventually


@pytest.fixture
def facts() -> Facts:
    return Facts(order_id=OrderId(uuid4()), photos=2)


def record(
    unit_of_work: PostgresUnitOfWork, facts: Facts, *history: e.Event, phone: str | None = None
) -> None:
    customer_id = facts.paid().customer_id
    address = f"{customer_id}@shop.example"
    with unit_of_work.transaction() as transaction:
        transaction.customers.receive(customer_id, address, None, None, PAID_AT.date(), phone=phone)
    order = Order(order_id=facts.order_id)
    for version, event in enumerate(history, start=1):
        recorded = e.RecordedEvent(
            event_id=uuid4(),
            order_id=facts.order_id,
            version=version,
            recorded_at=PAID_AT + timedelta(seconds=version),
            cause="an example",
            cause_key=f"example {version}",
            correlation_id=facts.order_id,
            actor="stripe" if version == 1 else "worker",
            event=event,
        )
        after = apply(order, recorded)
        with unit_of_work.transaction() as transaction:
            transaction.event_store.append(Commit(before=order, after=after, events=(recorded,)))
        order = after


def test_orders_are_listed_with_state_and_money(
    log_commands: Shell, unit_of_work: PostgresUnitOfWork, facts: Facts
) -> None:
    assert log_commands("orders", "list").out == "There is no order yet.\n"
    record(unit_of_work, facts, *facts.until_completed())
    heading, line = log_commands("orders", "list").out.splitlines()
    assert heading.split() == ["Number", "State", "Restored", "Paid", "Paid", "at", "(UTC)", "Id"]
    assert line.split()[:7] == ["20261122-000001", "completed", "2", "of", "2", "9.80", "EUR"]
    assert line.endswith(str(facts.order_id))
    (listed,) = map(json.loads, log_commands("orders", "list", "--json").out.splitlines())
    assert listed["order_id"] == str(facts.order_id)
    assert listed["paid"] == {"amount": 980, "currency": "EUR"}


def test_orders_are_listed_by_state_date_customer_and_provider_id(
    log_commands: Shell, unit_of_work: PostgresUnitOfWork, facts: Facts
) -> None:
    record(unit_of_work, facts, *facts.until_completed())
    customer = f"{facts.paid().customer_id}@shop.example"
    for matching in (
        ("--state", "Completed"),
        ("--email", customer.upper()),
        ("--since", "2026-01-01"),
        ("--provider-id", facts.paid().checkout_session_id, "--state", "completed"),
    ):
        (listed,) = map(json.loads, log_commands("orders", "list", "--json", *matching).out.splitlines())
        assert listed["order_id"] == str(facts.order_id)
    for other in (("--state", "paid"), ("--held",), ("--until", "2026-01-01"), ("--provider-id", "re_1")):
        assert log_commands("orders", "list", *other).out == "No order matches.\n"


def test_a_list_of_an_unknown_state_or_moment_is_refused_with_what_would_do(log_commands: Shell) -> None:
    unknown = log_commands("orders", "list", "--state", "lost")
    assert (unknown.status, unknown.out) == (2, "")
    assert "'lost': give one of paid, restoring, settled, ready" in unknown.err
    assert "write 7d, 12h" in log_commands("orders", "list", "--since", "yesterday").err


def test_an_order_as_json_has_its_customer_photos_and_money(
    log_commands: Shell, unit_of_work: PostgresUnitOfWork, facts: Facts
) -> None:
    record(unit_of_work, facts, *facts.until_delivered())
    (shown,) = map(json.loads, log_commands("orders", "show", str(facts.order_id), "--json").out.splitlines())
    assert (shown["order_id"], shown["number"]) == (str(facts.order_id), "20261122-000001")
    assert (shown["state"], shown["hold"]) == ("delivered", None)
    assert shown["customer"]["email"] == f"{facts.paid().customer_id}@shop.example"
    assert (shown["money"]["paid"], shown["money"]["refund_requested"]) == (980, 490)
    assert [(photo["number"], photo["failure"] is None) for photo in shown["photos"]] == [
        (1, True),
        (2, False),
    ]
    assert [mail["kind"] for mail in shown["emails"]] == ["confirmation", "partial_result"]
    assert shown["still_to_do"] == ["4.90 EUR has to be paid back", "the confirmation e-mail has to be sent"]


def test_an_order_shows_the_phone_number_that_was_asked_for(
    log_commands: Shell, unit_of_work: PostgresUnitOfWork, facts: Facts
) -> None:
    record(unit_of_work, facts, *facts.until_delivered(), phone="+49 30 901820")
    shown = log_commands("orders", "show", str(facts.order_id)).out
    assert f"{facts.paid().customer_id}@shop.example, phone +49 30 901820" in shown
    document = json.loads(log_commands("orders", "show", str(facts.order_id), "--json").out)
    assert document["customer"]["phone"] == "+49 30 901820"


def test_an_order_is_found_by_number_id_or_the_beginning_of_its_id(
    log_commands: Shell, unit_of_work: PostgresUnitOfWork, facts: Facts
) -> None:
    record(unit_of_work, facts, *facts.until_restoring())
    for name in ("20261122-000001", str(facts.order_id), str(facts.order_id)[:9]):
        assert log_commands("orders", "show", name).out.startswith("Order 20261122-000001  ")


def test_an_order_shows_its_money_photos_mails_work_and_what_can_be_done(
    log_commands: Shell, unit_of_work: PostgresUnitOfWork, facts: Facts
) -> None:
    record(
        unit_of_work, facts, *facts.until_restoring(), facts.started(0), facts.restored(0), facts.started(1)
    )
    shown = log_commands("orders", "show", "20261122-000001").out
    for sentence in (
        "9.80 EUR quoted, 0.00 EUR discount, 9.80 EUR paid, 0.00 EUR paid back",
        "1  4.90 EUR  (name erased): restored",
        "2  4.90 EUR  (name erased): at the restorer, first attempt",
        f"Customer\n  {facts.paid().customer_id}@shop.example",
        "The confirmation e-mail: due",
        "Links\n  none",
        "The restorer's answer for photo 2 is awaited",
        "Put it on hold",
    ):
        assert sentence in shown


def test_an_orders_history_reads_as_a_story(
    log_commands: Shell, unit_of_work: PostgresUnitOfWork, facts: Facts
) -> None:
    record(unit_of_work, facts, *facts.until_completed())
    shown = log_commands("orders", "history", "20261122-000001").out
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines[0] == "Order 20261122-000001: 2 photos, 9.80 EUR paid"
    assert "Sunday, 22 November 2026 (UTC)" in lines
    assert "number 20261122-000001. (reported by Stripe)" in lines
    moved = "19:31:56 +1 s Both photos were moved to the order's own place and verified byte for byte."
    assert moved in lines
    ending = "The order is complete: the link to both photos was sent to the customer. Nothing is awaited."
    assert " ".join(lines).endswith(ending)
    assert all(len(line) <= 100 and line == line.rstrip() for line in shown.splitlines())


def test_an_orders_history_for_programs_has_the_whole_envelope(
    log_commands: Shell, unit_of_work: PostgresUnitOfWork, facts: Facts
) -> None:
    record(unit_of_work, facts, *facts.until_restoring())
    paid, moved = map(
        json.loads, log_commands("orders", "history", str(facts.order_id), "--json").out.splitlines()
    )
    assert (paid["type"], moved["type"]) == ("PaymentReceived", "ImagesMoved")
    assert {"event_id", "order_id", "version", "recorded_at", "cause", "cause_key", "position"} <= set(paid)
    assert paid["event"]["order_number"] == "20261122-000001"


def test_the_log_has_a_line_an_event_and_its_end_can_be_asked_for(
    log_commands: Shell, unit_of_work: PostgresUnitOfWork, facts: Facts
) -> None:
    record(unit_of_work, facts, *facts.until_settled())
    expected = [type(event).__name__ for event in facts.until_settled()]
    # The log is read up to the oldest open transaction of the whole server, which other tests use too.
    lines = eventually(
        lambda: (
            printed
            if len(printed := log_commands("events", "tail").out.splitlines()) == len(expected)
            else None
        ),
        "the whole log",
    )
    assert [line.split()[4] for line in lines] == expected
    assert log_commands("events", "tail", "--limit", "2").out.splitlines() == lines[-2:]
    (newest,) = map(json.loads, log_commands("events", "tail", "--limit", "1", "--json").out.splitlines())
    assert newest["type"] == "RestorationCompleted"


@pytest.mark.parametrize("command", ["show", "history"])
@pytest.mark.parametrize("wanted", ["20261122-000077", "01931000-0000-7000-8000-00000000dead", "no-such-id"])
def test_an_unknown_order_is_reported_in_a_sentence(log_commands: Shell, command: str, wanted: str) -> None:
    failed = log_commands("orders", command, wanted)
    assert (failed.status, failed.out) == (1, "")
    assert failed.err == f"There is no order {wanted}: `restoreclick orders list` shows those there are.\n"


@pytest.mark.parametrize("nothing", ["", " "])
def test_the_only_order_is_not_meant_by_nothing(
    log_commands: Shell, unit_of_work: PostgresUnitOfWork, nothing: str
) -> None:
    facts = Facts(photos=1)
    record(unit_of_work, facts, facts.paid(number="20261122-000001"))
    failed = log_commands("orders", "show", nothing)
    assert (failed.status, failed.out) == (1, "")
    assert failed.err == "No order was named: give its number, its id, or the beginning of that.\n"


def test_more_lines_than_a_database_counts_are_refused_in_a_sentence(log_commands: Shell) -> None:
    failed = log_commands("orders", "list", "--limit", "99999999999999999999")
    assert (failed.status, failed.out) == (2, "")
    assert "Traceback" not in failed.err
    assert "is not in the range" in failed.err


def test_a_beginning_that_fits_several_orders_asks_for_more(
    log_commands: Shell, unit_of_work: PostgresUnitOfWork
) -> None:
    for number, digit in enumerate("12", start=1):
        order_id = OrderId(UUID(f"0193aaaa-0000-7000-8000-00000000000{digit}"))
        facts = Facts(order_id=order_id, photos=1)
        record(unit_of_work, facts, facts.paid(number=f"20261122-00000{number}"))
    failed = log_commands("orders", "show", "0193aaaa")
    assert failed.err == "The ids of 2 orders begin with 0193aaaa: give more of the one you mean.\n"


def test_the_read_models_are_rebuilt(
    log_commands: Shell, unit_of_work: PostgresUnitOfWork, facts: Facts
) -> None:
    record(unit_of_work, facts, *facts.until_completed())
    before = log_commands("orders", "list").out
    assert "The read models of 1 order are written anew" in log_commands("db", "rebuild").out
    assert log_commands("orders", "list").out == before


def test_the_schema_goes_down_and_up_and_nothing_works_in_between(log_commands: Shell) -> None:
    assert log_commands("db", "downgrade", "base", "--yes").status == 0
    refused = log_commands("orders", "list")
    assert refused.status == 1
    assert "run `restoreclick db upgrade`" in refused.err
    assert log_commands("db", "upgrade").status == 0
    assert log_commands("orders", "list").status == 0


def test_the_schema_is_taken_back_only_if_that_is_agreed(log_commands: Shell) -> None:
    refused = log_commands("db", "downgrade", "base")
    assert refused.status == 2
    assert refused.err.endswith("to confirm this at: add --yes to confirm it.\n")
    assert log_commands("orders", "list").status == 0


def test_a_schema_with_events_is_not_taken_back_whatever_is_agreed(
    log_commands: Shell, unit_of_work: PostgresUnitOfWork, facts: Facts
) -> None:
    record(unit_of_work, facts, facts.paid())
    refused = log_commands("db", "downgrade", "base", "--yes")
    assert refused.status == 1
    assert "its log has 1 events" in refused.err
    assert log_commands("orders", "list").status == 0


def test_an_unknown_revision_is_reported_in_a_sentence(log_commands: Shell) -> None:
    failed = log_commands("db", "upgrade", "--revision", "9999")
    assert (failed.status, failed.err) == (
        1,
        "There is no revision 9999: look into migrations/versions for those there are.\n",
    )
