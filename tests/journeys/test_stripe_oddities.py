"""Unusual Stripe behaviour: customers and support read only what is true."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx2
import pytest

from domain.order.states import State
from domain.order.values import HoldReason, OrderId
from sandbox.demo.http_customer import Customer
from tests.entrypoints.support.shell import Answer, Shell
from tests.journeys.model_refusals import FIRST, REFUSAL, SECOND
from tests.journeys.outcomes import completes_with_two_mails, findings
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

PRICE = 490
#: Phrases that claim that the customer has the money.
HAS_IT_BACK = ("went back", "was paid back", "has been refunded", "was refunded")


class Support:
    """A staff member at a terminal."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def run(self, *words: str) -> str:
        """Run a command that must succeed; return its output without line breaks."""
        answer = self._shell(*words)
        assert answer.status == 0, answer
        return " ".join(answer.out.split())

    def reads(self, order_id: OrderId) -> str:
        """What they read about an order: its state, and its history."""
        return " ".join(self.run("orders", command, str(order_id)) for command in ("show", "history"))


@pytest.fixture
def support(
    running_shop: RunningShop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Support:
    for name, value in running_shop.shop.environment.items():
        monkeypatch.setenv(name, value)
    return Support(Shell(capsys))


@contextmanager
def stripe_with(running_shop: RunningShop, **knobs: object) -> Iterator[None]:
    """Change settings of the account, and restore them afterwards."""
    before = {"refunds_pending": False, "tax_on_top_percent": 0, "hides_customer_details": False}
    running_shop.turn("stripe", **knobs)
    try:
        yield
    finally:
        running_shop.turn("stripe", **{name: before[name] for name in knobs})


def customer_reads(customer: Customer, order_id: OrderId) -> str:
    """All that a customer reads: the order's page, its history, the mails."""
    seen = customer.order(str(order_id))
    sentences = [seen["sentence"], *(line["sentence"] for line in seen["history"])]
    return " ".join([*sentences, *(f"{mail['subject']} {mail['text']}" for mail in customer.mails())])


def refused_and_refunded(running_shop: RunningShop, photo: Path) -> tuple[Customer, OrderId, str]:
    """An order whose photo both models refuse, and its accepted refund."""
    for model in (FIRST, SECOND):
        running_shop.misbehave("replicate", {"on": model, **REFUSAL})
    customer, order_id = running_shop.buy(photo)
    running_shop.waits_for("RefundAccepted", order_id)
    eventually(lambda: len(customer.mails()) == 2, "the mail that nothing could be restored")
    eventually(lambda: running_shop.event_names(order_id).count("EmailSent") == 2, "reports about both mails")
    (refund,) = running_shop.order(order_id).refunds.values()
    assert refund.provider_refund_id is not None
    return customer, order_id, refund.provider_refund_id


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_a_pending_refund_is_on_its_way_until_stripe_says_how_it_ended(
    running_shop: RunningShop, photo: Path, support: Support, outcome: str
) -> None:
    with stripe_with(running_shop, refunds_pending=True):
        customer, order_id, provider_refund_id = refused_and_refunded(running_shop, photo)
        seen = customer.order(str(order_id))
        assert (seen["refunded"]["amount"], seen["refund_on_its_way"]["amount"]) == (0, PRICE)
        for text in (customer_reads(customer, order_id), support.reads(order_id)):
            assert "on its way" in text
            # Support reads that Stripe "has yet to confirm" it: that claims nothing.
            claim_free = text.replace("has yet to confirm that 4.90 EUR was paid back", "")
            assert not [words for words in HAS_IT_BACK if words in claim_free]
        assert "0.00 EUR paid back" in support.reads(order_id)
        running_shop.act_at_provider("stripe", f"refunds/{provider_refund_id}/settle", {"outcome": outcome})
        if outcome == "succeeded":
            _is_paid_back(running_shop, support, customer, order_id)
        else:
            _is_owed_again(running_shop, support, customer, order_id)
    assert len(customer.mails()) == 2, "the mail announced it already"


def _is_paid_back(running_shop: RunningShop, support: Support, customer: Customer, order_id: OrderId) -> None:
    running_shop.waits_for("RefundIssued", order_id)
    seen = customer.order(str(order_id))
    assert (seen["state"], seen["sentence"]) == ("refunded", "Everything that was paid went back.")
    assert (seen["refunded"]["amount"], seen["refund_on_its_way"]["amount"]) == (PRICE, 0)
    assert "all of 4.90 EUR was refunded to the customer. Nothing is awaited." in support.reads(order_id)


def _is_owed_again(
    running_shop: RunningShop, support: Support, customer: Customer, order_id: OrderId
) -> None:
    """The order waits for staff; the next refund is paid at once."""
    running_shop.waits_for("RefundFailed", order_id)
    assert running_shop.order(order_id).hold is HoldReason.REFUND_NOT_ISSUED
    shown = support.reads(order_id)
    assert "4.90 EUR failed to be refunded" in shown
    assert "The refund of 4.90 EUR failed (expired or canceled card): the money is still owed." in shown
    seen = customer.order(str(order_id))
    amounts = {name: seen[name]["amount"] for name in ("refunded", "refund_on_its_way", "refund_owed")}
    assert amounts == {"refunded": 0, "refund_on_its_way": 0, "refund_owed": PRICE}
    assert seen["sentence"].startswith("A person of the shop is looking at this order")
    running_shop.turn("stripe", refunds_pending=False)
    support.run("orders", "release", str(order_id), "--reason", "The card was renewed.")
    eventually(lambda: running_shop.order(order_id).state is State.REFUNDED, "the refunded order")
    assert customer.order(str(order_id))["refunded"]["amount"] == PRICE


def test_an_inquiry_takes_no_money_stops_nothing_and_bars_no_refund(
    running_shop: RunningShop, photo: Path, support: Support
) -> None:
    with running_shop.worker_asleep():
        customer, order_id = running_shop.buy(photo)
        asked = {"payment_intent": running_shop.payment_intent(order_id), "is_inquiry": True}
        inquiry = running_shop.act_at_provider("stripe", "disputes", asked)
        assert (inquiry["status"], inquiry["is_charge_refundable"]) == ("warning_needs_response", True)
        running_shop.waits_for("DisputeOpened", order_id)
    completes_with_two_mails(running_shop, customer, order_id, restored=1)
    seen = customer.order(str(order_id))
    assert (seen["state"], seen["is_disputed"], seen["download_is_available"]) == ("completed", False, True)
    shown = support.reads(order_id)
    assert "4.90 EUR can still be paid back" in shown
    assert "an inquiry, which takes no money and stops nothing" in shown
    assert "The bank asks about the payment (an inquiry): answer it in Stripe." in shown
    support.run("orders", "refund", str(order_id), "--amount", "1.00", "--yes", "--reason", "Stripe said so.")
    running_shop.waits_for("RefundIssued", order_id)
    running_shop.act_at_provider("stripe", f"disputes/{inquiry['id']}/close", {"status": "warning_closed"})
    running_shop.waits_for("DisputeClosed", order_id)
    shown = support.reads(order_id)
    assert "The bank closed its inquiry: no money was taken." in shown
    assert "Ledger: 4.90 EUR paid, 1.00 EUR paid back, 3.90 EUR can still be paid back" in shown
    assert customer.order(str(order_id))["refunded"]["amount"] == 100


def test_an_address_that_only_the_shop_gave_and_tax_on_top_of_the_price_hold_nothing(
    running_shop: RunningShop, photo: Path, support: Support
) -> None:
    email = f"{uuid4().hex}@customer.example"
    customer = running_shop.customer(email)
    customer.open_session()
    assert customer.send(photo, "wedding.jpg")
    with stripe_with(running_shop, tax_on_top_percent=19, hides_customer_details=True):
        customer.pay(customer.ask_for_checkout(email=email)["url"])
    order_id = OrderId(UUID(eventually(customer.order_id, "the order")))
    completes_with_two_mails(running_shop, customer, order_id, restored=1)
    (session,) = _sessions_of(running_shop, order_id)
    assert (session["customer_details"], session["customer_email"]) == (None, email)
    assert (session["total_details"]["amount_tax"], session["amount_total"]) == (93, PRICE + 93)
    seen = customer.order(str(order_id))
    assert (seen["is_held"], seen["paid"]["amount"]) == (False, PRICE + 93)
    assert "Your payment of €5.83 has arrived." in " ".join(customer_reads(customer, order_id).split())
    shown = support.reads(order_id)
    assert f"Customer {email}" in shown
    assert "4.90 EUR quoted, 0.00 EUR discount, 0.93 EUR tax, 5.83 EUR paid" in shown
    assert "5.83 EUR can still be paid back" in shown


def test_a_payment_of_which_stripe_knows_only_an_open_page_is_found_by_reconcile(
    running_shop: RunningShop, photo: Path, support: Support, reconcile: Callable[..., Answer]
) -> None:
    customer = running_shop.customer()
    customer.open_session()
    assert customer.send(photo, "wedding.jpg")
    page = customer.ask_for_checkout()["url"]
    # A declined card leaves the page open, and creates the payment's id.
    assert customer.press(page, "decline").status_code == httpx2.codes.PAYMENT_REQUIRED
    session = next(
        each
        for each in running_shop.ledger("stripe")["checkout.session"]
        if urlsplit(page).path.endswith(each["id"])
    )
    assert session["status"] == "open"
    answer = post_signed(running_shop, "checkout.session.completed", session | {"payment_status": "paid"})
    assert answer.status_code == httpx2.codes.OK
    order_id = OrderId(UUID(eventually(customer.order_id, "the order")))
    completes_with_two_mails(running_shop, customer, order_id, restored=1)

    def found() -> list[str]:
        answer = reconcile("--json")
        about = [each["what"] for each in findings(answer) if each["subject"] == session["id"]]
        assert answer.status == 1 or not about
        return about

    assert found() == ["payment_not_at_stripe"]
    customer.pay(page)
    eventually(lambda: not found(), "records that agree once the page is paid")
    assert running_shop.event_names(order_id).count("PaymentReceived") == 1
    assert "4.90 EUR paid" in support.reads(order_id)


def _sessions_of(running_shop: RunningShop, order_id: OrderId) -> list[dict[str, Any]]:
    sessions = running_shop.ledger("stripe")["checkout.session"]
    return [each for each in sessions if each["metadata"].get("order_id") == str(order_id)]


def post_signed(running_shop: RunningShop, event_type: str, about: dict[str, Any]) -> httpx2.Response:
    """Send an event that Stripe never made, with a valid signature."""
    now = int(time.time())
    event = {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "type": event_type,
        "created": now,
        "api_version": "2026-10-28.endive",
        "data": {"object": about},
    }
    body = json.dumps(event).encode()
    secret = running_shop.shop.environment["STRIPE_WEBHOOK_SECRET"].encode()
    digest = hmac.new(secret, b"%d.%b" % (now, body), hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={now},v1={digest}"}
    return httpx2.post(f"{running_shop.shop.url}/api/webhooks/stripe", content=body, headers=headers)
