"""A corrected address changes the customer; the log gets a note."""

from dataclasses import replace
from uuid import uuid4

import pytest

from domain.order import events as e
from domain.order.actors import CUSTOMER
from domain.order.errors import AskedTooOftenError, CorrectionRefusedError, ShopError
from domain.order.order import Order
from domain.order.values import EmailKind, HoldReason, OrderId
from domain.ports.email import DeliveryStatus, EmailWebhookEvent
from domain.use_cases.support.email_correction import (
    AddressKnownError,
    AddressTakenError,
    NoAddressError,
    is_address,
)
from domain.use_cases.support.staff_requests import StaffRequest
from tests.domain.support.assertions import kinds
from tests.domain.support.refusals import refused
from tests.doubles.container import InMemoryShop

ADA = StaffRequest(actor="person:ada", reason="They had mistyped it.")
RIGHT = "eileen@customer.example"


def paid_by(shop: InMemoryShop, email: str) -> OrderId:
    return shop.pay(shop.upload(b"wedding"), email=email)


def address(shop: InMemoryShop, order: Order) -> str:
    assert order.payment is not None
    with shop.unit_of_work.transaction() as transaction:
        customer = transaction.customers.find(order.payment.customer_id)
    assert customer is not None
    return customer.email


def test_the_correction_is_noted_on_each_of_the_customers_orders_without_the_address(
    shop: InMemoryShop,
) -> None:
    first, second = (paid_by(shop, "eilen@customer.example") for _ in range(2))
    other = paid_by(shop, "bruno@customer.example")
    done, noted = shop.email_correction.correct(first, ADA, RIGHT)
    assert noted == 2
    assert address(shop, shop.order(second)) == RIGHT
    assert [type(each.event) for each in done.events] == [e.NoteAdded]
    for order_id in (first, second):
        assert kinds(shop, order_id)[-1] is e.NoteAdded
        with shop.unit_of_work.transaction() as transaction:
            [note] = transaction.notes.of(order_id)
            assert (note.actor, note.text) == (ADA.actor, ADA.reason)
            assert RIGHT not in str(transaction.event_store.history(order_id))
    assert e.NoteAdded not in kinds(shop, other)


def test_a_released_order_mails_to_the_new_address(shop: InMemoryShop) -> None:
    order_id = paid_by(shop, "eilen@customer.example")
    order = shop.live(order_id)
    result = list(order.emails.values())[-1]
    shop.email_webhook.handle(
        [
            EmailWebhookEvent(
                event_id="sg_1",
                order_id=order_id,
                email_id=result.email_id,
                message_id=None,
                fate=DeliveryStatus.UNDELIVERABLE,
                reason="bounce",
            )
        ]
    )
    assert shop.order(order_id).hold is HoldReason.EMAIL_BOUNCED
    shop.email_correction.correct(order_id, ADA, RIGHT)
    shop.staff_actions.release(order_id, ADA)
    shop.work()
    assert [mail.to for mail in shop.mailer.mailbox.values()][-1] == RIGHT


def test_the_address_of_another_customer_is_refused_and_nothing_is_changed(shop: InMemoryShop) -> None:
    order_id = paid_by(shop, "eilen@customer.example")
    paid_by(shop, RIGHT)
    with pytest.raises(AddressTakenError):
        shop.email_correction.correct(order_id, ADA, RIGHT.upper())
    assert address(shop, shop.order(order_id)) == "eilen@customer.example"
    assert kinds(shop, order_id) == [e.PaymentReceived]


def test_a_customers_own_address_may_be_written_otherwise_but_not_the_same(shop: InMemoryShop) -> None:
    order_id = paid_by(shop, RIGHT)
    shop.email_correction.correct(order_id, ADA, "Eileen@customer.example")
    assert address(shop, shop.order(order_id)) == "Eileen@customer.example"
    with pytest.raises(AddressKnownError):
        shop.email_correction.correct(order_id, ADA, "Eileen@customer.example")


def test_a_repeat_under_the_same_key_is_noted_once(shop: InMemoryShop) -> None:
    order_id = paid_by(shop, "eilen@customer.example")
    by = replace(ADA, key="ticket 4711")
    shop.email_correction.correct(order_id, by, RIGHT)
    done, noted = shop.email_correction.correct(order_id, by, RIGHT)
    assert (done.events, noted) == ((), 0)
    assert kinds(shop, order_id).count(e.NoteAdded) == 1
    with shop.unit_of_work.transaction() as transaction:
        keys = [recorded.cause_key for recorded in transaction.event_store.history(order_id)]
    assert [key for key in keys if key.startswith("desk:address:")], "the cause says what was done"


def test_a_forgotten_customer_has_no_address_to_correct(shop: InMemoryShop) -> None:
    order_id = paid_by(shop, "eilen@customer.example")
    shop.live(order_id)
    shop.customer_erasure.erase("eilen@customer.example", actor="person:ada", reason="asked for it")
    with refused(match="no address to correct: the order is closed, and its customer"):
        shop.email_correction.correct(order_id, ADA, RIGHT)


@pytest.mark.parametrize(
    "text", ["", "eileen", "eileen@", "a b@example.org", "@example.org", "a@b", f"{'a' * 250}@b.de"]
)
def test_what_is_no_address_is_refused_without_being_repeated(shop: InMemoryShop, text: str) -> None:
    order_id = paid_by(shop, RIGHT)
    assert not is_address(text)
    with pytest.raises(NoAddressError, match=r"name@example\.com"):
        shop.email_correction.correct(order_id, ADA, text)


def correct(shop: InMemoryShop, order_id: OrderId, email: str = RIGHT) -> None:
    shop.email_correction.correct_by_customer(
        order_id,
        email,
        note="Corrected on the page.",
        note_if_taken="Of another customer.",
        correlation_id=uuid4(),
    )


def test_a_customer_corrects_a_mistyped_address_and_gets_the_confirmation_there(shop: InMemoryShop) -> None:
    order_id = paid_by(shop, "eilen@customer.example")
    shop.perform(shop.queue.waiting[-1])
    shop.work()
    correct(shop, order_id)
    shop.work()
    assert address(shop, shop.order(order_id)) == RIGHT
    confirmations = [event for event in shop.events(order_id) if isinstance(event, e.EmailRequested)]
    assert [event.kind for event in confirmations] == [EmailKind.CONFIRMATION]
    with shop.unit_of_work.transaction() as transaction:
        [note] = transaction.notes.of(order_id)
        noted = next(
            each for each in transaction.event_store.history(order_id) if isinstance(each.event, e.NoteAdded)
        )
    assert (note.actor, noted.actor) == (CUSTOMER, CUSTOMER)


def test_a_confirmation_that_has_not_left_yet_goes_to_the_right_address_once(shop: InMemoryShop) -> None:
    order_id = paid_by(shop, "eilen@customer.example")
    correct(shop, order_id)
    shop.live(order_id)
    assert e.EmailRequested not in [type(event) for event in shop.events(order_id)]


def test_a_customer_corrects_an_address_three_times_at_most(shop: InMemoryShop) -> None:
    order_id = paid_by(shop, "eilen@customer.example")
    for number in range(3):
        correct(shop, order_id, f"eileen{number}@customer.example")
    with pytest.raises(AskedTooOftenError):
        correct(shop, order_id)
    assert address(shop, shop.order(order_id)) == "eileen2@customer.example"


def test_no_result_is_sent_to_an_address_that_was_given_after_it(shop: InMemoryShop) -> None:
    order_id = paid_by(shop, "eilen@customer.example")
    shop.live(order_id)
    with pytest.raises(CorrectionRefusedError):
        correct(shop, order_id)


def test_one_orders_page_does_not_redirect_the_mails_of_another_order(shop: InMemoryShop) -> None:
    first, second = (paid_by(shop, "eileen.c@customer.example") for _ in range(2))
    for order_id in (first, second):
        with pytest.raises(CorrectionRefusedError):
            correct(shop, order_id)
    assert address(shop, shop.order(first)) == "eileen.c@customer.example"


@pytest.mark.parametrize(
    ("email", "error"),
    [
        ("nothing", NoAddressError),
        ("eilen@customer.example", AddressKnownError),
    ],
)
def test_a_customers_correction_that_cannot_be_right_changes_nothing(
    shop: InMemoryShop, email: str, error: type[ShopError]
) -> None:
    order_id = paid_by(shop, "eilen@customer.example")
    before = kinds(shop, order_id)
    with pytest.raises(error):
        correct(shop, order_id, email)
    assert kinds(shop, order_id) == before
    assert address(shop, shop.order(order_id)) == "eilen@customer.example"


def test_a_customer_tries_the_addresses_of_others_three_times_at_most(shop: InMemoryShop) -> None:
    paid_by(shop, "bruno@customer.example")
    order_id = paid_by(shop, "eilen@customer.example")
    for _ in range(3):
        with pytest.raises(AddressTakenError):
            correct(shop, order_id, "bruno@customer.example")
    with pytest.raises(AskedTooOftenError):
        correct(shop, order_id, "bruno@customer.example")
    assert address(shop, shop.order(order_id)) == "eilen@customer.example"
    with shop.unit_of_work.transaction() as transaction:
        assert {note.text for note in transaction.notes.of(order_id)} == {"Of another customer."}
    assert e.EmailRequested not in kinds(shop, order_id)


def test_a_held_order_keeps_its_address_until_a_person_has_looked_at_it(shop: InMemoryShop) -> None:
    order_id = paid_by(shop, "eilen@customer.example")
    shop.staff_actions.hold(order_id, ADA)
    with pytest.raises(CorrectionRefusedError):
        correct(shop, order_id)
