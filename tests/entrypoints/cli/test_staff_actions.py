"""Staff actions on the command line: confirmed, recorded and reported.

They run on a real database.
"""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from domain.order import events as e
from domain.order.order import Order
from domain.order.reactions import reaction_id_of, required_reactions
from domain.order.states import State
from domain.order.values import EmailKind, HoldReason, Money, OrderId
from domain.ports.email import DeliveryStatus, EmailWebhookEvent
from domain.ports.errors import RefusedError
from domain.use_cases.support.staff_requests import StaffRequest
from entrypoints.cli.support.money_parsing import AmountNotPayableError, NoAmountError, amount_of
from tests.doubles.container import InMemoryShop
from tests.entrypoints.support.shell import Answer, Shell, Terminal
from tests.entrypoints.test_settings import COMPLETE

WHY = ("--reason", "They asked for it on the phone.", "--actor", "Ada")
BY_HAND = StaffRequest(actor="person:ada", reason="They asked for it on the phone.")


@pytest.fixture
def restoreclick(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    own = {"DATABASE_URL": own_database_url, "REDIS_URL": "redis://127.0.0.1:1/0"}
    for name, value in {**COMPLETE, **own}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return Shell(capsys)


def restoring(shop: InMemoryShop, **facts: object) -> Order:
    """An order of two photos that are at the restorer."""
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"), **facts)
    shop.work()
    return shop.order(order_id)


def completed(shop: InMemoryShop) -> Order:
    order = restoring(shop)
    shop.end_predictions()
    shop.work()
    after = shop.order(order.order_id)
    assert after.state is State.COMPLETED
    return after


@contextmanager
def a_worker(shop: InMemoryShop, order_id: OrderId) -> Iterator[None]:
    """A worker thread that performs an order's reactions at once."""
    is_over = Event()

    def work() -> None:
        while not is_over.wait(0.02):
            for reaction in required_reactions(shop.order(order_id)):
                shop.perform(reaction_id_of(order_id, reaction))

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def number(order: Order) -> str:
    assert order.payment is not None
    return order.payment.order_number


def words(shop: InMemoryShop, order_id: OrderId) -> list[tuple[str, str]]:
    with shop.unit_of_work.transaction() as transaction:
        return [(note.actor, note.text) for note in transaction.notes.of(order_id)]


def refused(answer: Answer, message: str) -> None:
    assert (answer.status, answer.out) == (1, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1


def test_hold_and_release_report_what_happened_and_what_follows(
    restoreclick: Shell, shop: InMemoryShop
) -> None:
    order = restoring(shop)
    held = restoreclick("orders", "hold", number(order), *WHY)
    assert held.status == 0
    assert held.out == (
        "The order was put on hold, because a staff member asked for it. The order is on hold, because "
        "a staff member asked for it: a person has to release it or pay it back.\n"
    )
    released = restoreclick("orders", "release", str(order.order_id), "--wait", "0", *WHY)
    assert released.status == 0
    assert released.out.startswith("Ada let the order go on after ")
    assert "The photos are being restored: 0 of 2 done." in released.out
    assert words(shop, order.order_id) == [("person:Ada", WHY[1])] * 2


def test_a_release_after_which_the_order_is_held_again_says_so_and_ends_with_1(
    restoreclick: Shell, shop: InMemoryShop
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    for _ in range(2):
        shop.mailer.fault_injector.fail("send", RefusedError("The double", "no", code="invalid_address"))
    shop.live(order_id)
    assert shop.order(order_id).hold is HoldReason.EMAIL_NOT_SENT
    with a_worker(shop, order_id):
        released = restoreclick("orders", "release", str(order_id), "--wait", "3600", "--json", *WHY)
    document = json.loads(released.out)
    assert (released.status, document["is_held"]) == (1, True)
    assert document["standing"].startswith("The order is on hold, because ")


def test_a_release_after_which_the_order_goes_on_ends_with_0_before_its_time_is_over(
    restoreclick: Shell, shop: InMemoryShop
) -> None:
    order = restoring(shop)
    shop.end_predictions()
    shop.staff_actions.hold(order.order_id, BY_HAND)
    shop.work()
    with a_worker(shop, order.order_id):
        released = restoreclick("orders", "release", number(order), "--wait", "3600", *WHY)
    assert released.status == 0


def test_a_command_for_programs_has_the_state_and_what_can_be_done_now(
    restoreclick: Shell, shop: InMemoryShop
) -> None:
    order = restoring(shop)
    document = json.loads(restoreclick("orders", "note", number(order)[:], *WHY, "--json").out)
    assert document["order_id"] == str(order.order_id)
    assert (document["number"], document["state"], document["is_held"]) == (number(order), "restoring", False)
    assert (document["recorded"], document["done"]) == (["NoteAdded"], ["Ada wrote a note about the order."])
    assert "put it on hold" in document["possible"]


def test_an_amount_is_refunded_once_per_idempotency_key(restoreclick: Shell, shop: InMemoryShop) -> None:
    order = completed(shop)
    command = ("orders", "refund", number(order), "--amount", "1.50", "--yes", "--key", "4711", *WHY)
    assert restoreclick(*command).out == (
        "A staff member asked for 1.50 EUR to be paid back. The link to both photos was sent to "
        "the customer, and 1.50 EUR has yet to be refunded. Still to do: 1.50 EUR has to be paid back.\n"
    )
    assert restoreclick(*command).out.startswith(
        "This was done before under the same key: nothing was done again. The link to"
    )
    assert shop.order(order.order_id).ledger.requested == 150


def test_photos_are_refunded_by_number_and_without_numbers_everything_left(
    restoreclick: Shell, shop: InMemoryShop
) -> None:
    order = restoring(shop)
    by_name = restoreclick("orders", "refund", number(order), "--photo", "2", "--yes", *WHY)
    assert by_name.out.startswith("Photo 2 was given up: it was taken out of the order.")
    whole = restoreclick("orders", "refund", number(order), "--yes", *WHY)
    assert "The order was stopped: all of 9.80 EUR is being refunded to the customer." in whole.out
    assert [refund.amount.amount for refund in shop.order(order.order_id).refunds.values()] == [490, 490]


def test_refunds_and_revocations_need_confirmation(
    restoreclick: Shell, shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = completed(shop)
    for command in (("refund", number(order)), ("link", number(order), "--revoke")):
        unasked = restoreclick("orders", *command, *WHY)
        assert (unasked.status, unasked.err) == (
            2,
            "There is no terminal to confirm this at: add --yes to confirm it.\n",
        )
        monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
        declined = restoreclick("orders", *command, *WHY)
        assert (declined.status, declined.out) == (1, "")
        assert declined.err.endswith("Nothing was done.\n")
        monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert shop.order(order.order_id).version == order.version
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    agreed = restoreclick("orders", "refund", number(order), *WHY)
    assert (
        f"9.80 EUR is refunded to the customer of order {number(order)} and the order is stopped."
        in agreed.err
    )
    assert shop.order(order.order_id).state is State.REFUNDING


def test_a_failed_refund_that_was_paid_another_way_is_settled(
    restoreclick: Shell, shop: InMemoryShop
) -> None:
    order = completed(shop)
    shop.payments.fault_injector.fail("issue_refund", RefusedError("The double", "no", code="expired_card"))
    shop.staff_actions.refund(order.order_id, BY_HAND, amount=Money(amount=100, currency="EUR"))
    shop.work()
    assert shop.order(order.order_id).hold is HoldReason.REFUND_NOT_ISSUED
    settled = restoreclick("orders", "settle", number(order), "--yes", *WHY)
    assert settled.out.startswith(
        "1.00 EUR was refunded to the customer, paid another way than by the payment provider, "
    )
    assert shop.order(order.order_id).ledger.issued == 100
    refused(restoreclick("orders", "settle", number(order), "--yes", *WHY), "No refund of it has failed: the")


def test_photos_are_redone_and_links_renewed_and_mails_sent_again(
    restoreclick: Shell, shop: InMemoryShop
) -> None:
    order = completed(shop)
    redone = restoreclick("orders", "redo", number(order), "--photo", "1", "--photo", "2", *WHY)
    assert "Ada asked for another attempt at photo 1; its first result is kept. Ada asked" in redone.out
    renewed = restoreclick("orders", "link", number(order), "--revoke", "--yes", *WHY)
    assert "A new download link was made" in renewed.out
    assert "A download link was revoked: it opens nothing any more." in renewed.out
    running = restoring(shop)
    again = restoreclick("orders", "resend", number(running), *WHY)
    assert again.out.startswith("The confirmation e-mail is to be sent beside those before. ")
    after = shop.order(order.order_id)
    assert after.is_being_redone
    assert [link.is_revoked for link in after.links.values()] == [True, False]


def test_a_corrected_address_is_in_the_register_and_nowhere_else(
    restoreclick: Shell, shop: InMemoryShop
) -> None:
    order = restoring(shop)
    done = restoreclick("orders", "address", number(order), "eileen@customer.example", *WHY)
    assert done.out.startswith("The address is corrected, and that is noted on 1 order. The photos are")
    assert "eileen" not in done.out + done.err
    assert order.payment is not None
    with shop.unit_of_work.transaction() as transaction:
        customer = transaction.customers.find(order.payment.customer_id)
        assert customer is not None
        assert customer.email == "eileen@customer.example"
        assert "eileen" not in str(transaction.event_store.history(order.order_id))
    refused(
        restoreclick("orders", "address", number(order), "eileen", *WHY), "write it like name@example.com"
    )


def test_what_the_state_does_not_allow_is_refused_with_the_state_and_what_would_be_allowed(
    restoreclick: Shell, shop: InMemoryShop
) -> None:
    order = restoring(shop)
    refused(
        restoreclick("orders", "release", number(order), *WHY),
        "It is not on hold: the order is being restored, and one can put it on hold, pay back up to 9.80 EUR, ",
    )
    refused(
        restoreclick("orders", "refund", number(order), "--amount", "9.81", "--yes", *WHY),
        "9.81 EUR cannot be paid back, only more than nothing and 9.80 EUR at most: the order is being restored",
    )
    refused(
        restoreclick("orders", "redo", number(order), "--photo", "1", *WHY),
        "No photo can be restored once more now: the order is being restored, and one can ",
    )
    refused(restoreclick("orders", "refund", number(order), "--photo", "3", *WHY), "There is no photo 3")
    refused(restoreclick("orders", "settle", number(order), *WHY), "No refund of it has failed: ")
    refused(restoreclick("orders", "link", number(order), "--revoke", *WHY), "No new link can be sent now: ")
    refused(restoreclick("orders", "hold", "20261122-000077", *WHY), "There is no order 20261122-000077: ")
    assert words(shop, order.order_id) == []


@pytest.mark.parametrize(
    ("typed", "currency", "near"),
    [
        ("1.234", "KWD", "1.230 or 1.240"),
        ("0.005", "TND", "0.000 or 0.010"),
        ("490.50", "ISK", "490.00 or 491.00"),
    ],
)
def test_an_amount_that_cannot_be_paid_is_refused_with_the_nearest_ones(
    typed: str, currency: str, near: str
) -> None:
    with pytest.raises(AmountNotPayableError, match=f"cannot be paid: write {near}"):
        amount_of(typed, Money(amount=0, currency=currency))
    assert amount_of("7", Money(amount=0, currency=currency)).is_payable


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("refund", "--amount", "4,9x"), "'4,9x' is no amount in EUR: write it like 4.90."),
        (("refund", "--amount", "1", "--photo", "1"), "Give --amount or --photo, not both"),
        (("redo",), "Say which photos with --photo N"),
        (("link", "--revoke", "--only-revoke"), "not both."),
        (("hold", "--reason", " "), "why this is done: say it with --reason TEXT"),
    ],
)
def test_a_command_that_makes_no_sense_says_so(
    restoreclick: Shell, shop: InMemoryShop, command: tuple[str, ...], expected: str
) -> None:
    name, *options = command
    failed = restoreclick("orders", name, number(restoring(shop)), *WHY, *options)
    assert (failed.status, failed.out) == (2, "")
    assert expected in failed.err


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("4.90", "EUR", 490),
        ("4,90", "EUR", 490),
        (" 4.9 ", "EUR", 490),
        ("4 eur", "EUR", 400),
        ("490", "JPY", 490),
        ("1.230", "KWD", 1230),
        ("0.07", "USD", 7),
    ],
)
def test_amounts_are_taken_as_people_write_them(typed: str, currency: str, minor: int) -> None:
    assert amount_of(typed, Money(amount=0, currency=currency)) == Money(amount=minor, currency=currency)


@pytest.mark.parametrize(
    ("typed", "currency", "like"),
    [
        ("", "EUR", "4.90"),
        ("-4.90", "EUR", "4.90"),
        ("4.905", "EUR", "4.90"),
        ("1,234.50", "EUR", "4.90"),
        (".90", "EUR", "4.90"),
        ("4.90 USD", "EUR", "4.90"),
        ("٤", "EUR", "4.90"),
        ("nan", "EUR", "4.90"),
        ("4.9", "JPY", "490"),
        ("1" * 13, "EUR", "4.90"),
    ],
)
def test_what_is_no_amount_is_refused_with_an_example(typed: str, currency: str, like: str) -> None:
    with pytest.raises(NoAmountError, match=f"is no amount in {currency}: write it like {like}"):
        amount_of(typed, Money(amount=0, currency=currency))


def test_an_order_shows_its_ledger_notes_and_further_tries(restoreclick: Shell, shop: InMemoryShop) -> None:
    order = completed(shop)
    shop.staff_actions.redo(order.order_id, BY_HAND, photos=[1])
    shop.work()
    shop.end_predictions()
    shop.work()
    shop.staff_actions.refund(order.order_id, BY_HAND, amount=Money(amount=100, currency="EUR"))
    shown = restoreclick("orders", "show", number(order)).out
    for text in (
        "Ledger: 9.80 EUR paid, 1.00 EUR asked back, 8.80 EUR can still be paid back",
        "1  1.00 EUR, requested: requested",
        "1  4.90 EUR  great-aunt-1.jpg: restored and sent; tried once more, 1 earlier result kept",
        "Notes\n  14 March 2026, 15:09 (UTC), ada: They asked for it on the phone.",
    ):
        assert text in shown


def test_the_story_has_peoples_words_beside_what_they_did_until_those_are_erased(
    restoreclick: Shell, shop: InMemoryShop
) -> None:
    order = completed(shop)
    shop.staff_actions.note(order.order_id, BY_HAND)
    shown = restoreclick("orders", "history", number(order)).out
    assert "Ada wrote a note about the order.\n" + " " * 24 + '"They asked for it on the phone."' in shown
    lines = restoreclick("orders", "history", number(order), "--json").out.splitlines()
    assert [json.loads(line).get("note") for line in lines][-2:] == [None, BY_HAND.reason]
    assert BY_HAND.reason not in restoreclick("events", "tail", "--json").out
    shop.work()
    shop.customer_erasure.erase("ada@customer.example", actor="person:ada", reason="asked for it")
    shown = restoreclick("orders", "history", number(order)).out
    assert BY_HAND.reason not in shown
    assert "(what was written about it is erased)" in shown


def test_what_needs_a_person_is_listed_with_the_next_command(restoreclick: Shell, shop: InMemoryShop) -> None:
    assert restoreclick("orders", "attention").out == "Nothing needs a person.\n"
    order = completed(shop)
    [email] = [mail for mail in order.emails.values() if mail.kind is EmailKind.RESULT]
    webhook_event = EmailWebhookEvent(
        event_id="sg_1",
        order_id=order.order_id,
        email_id=email.email_id,
        message_id=None,
        fate=DeliveryStatus.UNDELIVERABLE,
        reason="bounce",
    )
    shop.email_webhook.handle([webhook_event])
    shown = restoreclick("orders", "attention").out
    assert f"Order {number(order)}: on hold since 14 March 2026, 15:09 (UTC)" in shown
    assert "The e-mail with the link did not reach its address." in shown
    assert f"  restoreclick orders address {number(order)} EMAIL --reason TEXT\n" in shown
    assert shown.endswith("\n1 thing needs a person.\n")
    listed = [json.loads(line) for line in restoreclick("orders", "attention", "--json").out.splitlines()]
    assert [attention_item["kind"] for attention_item in listed] == ["on_hold"]
    assert all(
        attention_item["number"] == number(order) and attention_item["commands"] for attention_item in listed
    )
    restoreclick("orders", "address", number(order), "eileen@customer.example", *WHY)
    restoreclick("orders", "release", number(order), "--wait", "0", *WHY)
    assert restoreclick("orders", "attention").out == "Nothing needs a person.\n"
    assert e.OrderReleased in [type(event) for event in shop.events(order.order_id)]
