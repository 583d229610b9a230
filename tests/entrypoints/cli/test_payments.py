"""Unmatched payments on the command line, on PostgreSQL and Stripe's twin."""

import getpass
import io
import json
import sys
from dataclasses import replace
from uuid import uuid4

import pytest

from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent
from domain.unmatched_payment import UnmatchedPayment, UnmatchedStatus
from tests.adapters.support.provider_accounts import STRIPE_SECRET_KEY, stripe_payments
from tests.contracts.test_payments import new_checkout, pay_at
from tests.doubles.container import InMemoryShop
from tests.entrypoints.support.shell import Shell, Terminal
from tests.entrypoints.test_settings import COMPLETE
from tests.sandbox.processes import TwinProcess

WHY = ("--reason", "They asked for it on the phone.")


@pytest.fixture
def restoreclick(
    own_database_url: str,
    stripe: TwinProcess,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    own = {
        "DATABASE_URL": own_database_url,
        "STRIPE_API_BASE": stripe.url,
        "STRIPE_SECRET_KEY": STRIPE_SECRET_KEY,
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    for name, value in {**COMPLETE, **own}.items():
        monkeypatch.setenv(name, value)
    return Shell(capsys)


@pytest.fixture
def checkout(shop: InMemoryShop, stripe: TwinProcess) -> str:
    """A checkout paid at Stripe, whose upload session the database has lost."""
    payments = stripe_payments(stripe.url)
    request = new_checkout(photos=1)
    with_token = replace(
        request, payment_token=shop.token_signer.payment_token(request.upload_session_id, request.order_id)
    )
    checkout_session_id = payments.open_checkout(with_token).checkout_session_id
    pay_at(stripe, checkout_session_id)
    state = payments.find_checkout(checkout_session_id)
    assert state is not None
    webhook_event = PaymentWebhookEvent(
        event_id=f"evt_{uuid4()}",
        event_type="checkout.session.completed",
        kind=PaymentEventKind.PAID,
        checkout=state.checkout,
    )
    shop.payment_webhook.handle(webhook_event, "0" * 64)  # type: ignore[arg-type]
    return checkout_session_id


def payment(shop: InMemoryShop, checkout_session_id: str) -> UnmatchedPayment:
    with shop.unit_of_work.transaction() as transaction:
        found = transaction.unmatched_payments.find(checkout_session_id)
    assert found is not None
    return found


def test_what_belongs_to_no_order_is_listed(restoreclick: Shell, checkout: str) -> None:
    (heading, line, *_) = restoreclick("payments", "unmatched").out.splitlines()
    assert heading.startswith("Since (UTC)")
    assert line.split()[2:6] == ["open", "4.90", "EUR", "This"]
    (listed,) = map(json.loads, restoreclick("payments", "unmatched", "--json").out.splitlines())
    assert (listed["checkout_session_id"], listed["status"]) == (checkout, "open")
    assert listed["paid"] == {"amount": 490, "currency": "EUR"}


def test_an_empty_list_of_unmatched_payments_has_a_sentence(restoreclick: Shell) -> None:
    assert (
        restoreclick("payments", "unmatched").out == "Every payment belongs to an order, or was refunded.\n"
    )
    assert restoreclick("payments", "unmatched", "--json").out == ""


def test_a_person_pays_it_back(
    restoreclick: Shell, shop: InMemoryShop, checkout: str, stripe: TwinProcess
) -> None:
    done = restoreclick("payments", "refund", checkout, "--yes", *WHY, "--actor", "Bruno")
    assert (done.status, done.out) == (0, "4.90 EUR was refunded to the customer.\n")
    after = payment(shop, checkout)
    assert (after.status, after.actor, after.note) == (UnmatchedStatus.REFUNDED, "person:Bruno", WHY[1])
    refunds = [one["amount"] for one in stripe.ledger()["objects"]["refund"] if one["id"] in after.returned]
    assert refunds == [490]
    again = restoreclick("payments", "refund", checkout, *WHY)
    assert (again.status, again.err) == (
        1,
        f"The payment of checkout {checkout} is refunded already: only an open one can be refunded or matched.\n",
    )


def test_a_refund_that_stripe_has_yet_to_pay_is_on_its_way(
    restoreclick: Shell, shop: InMemoryShop, checkout: str, stripe: TwinProcess
) -> None:
    stripe.turn(refunds_pending=True)
    done = restoreclick("payments", "refund", checkout, "--yes", *WHY)
    assert (done.status, done.out) == (
        0,
        "4.90 EUR is on its way to the customer: Stripe has yet to pay it.\n",
    )
    after = payment(shop, checkout)
    assert (after.status, after.left.amount) == (UnmatchedStatus.REFUNDING, 490)
    assert "refunding" in restoreclick("payments", "unmatched").out


def test_a_refund_needs_confirmation_and_is_refused_without_a_terminal(
    restoreclick: Shell, shop: InMemoryShop, checkout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    unanswered = restoreclick("payments", "refund", checkout, *WHY)
    assert (unanswered.status, unanswered.out) == (2, "")
    assert "--yes" in unanswered.err
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    declined = restoreclick("payments", "refund", checkout, *WHY)
    assert (declined.status, declined.out) == (1, "")
    assert f"4.90 EUR of the checkout {checkout} is refunded to the customer." in declined.err
    assert "Nothing was refunded." in declined.err
    assert payment(shop, checkout).status is UnmatchedStatus.OPEN
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    done = restoreclick("payments", "refund", checkout, "--json", *WHY)
    assert (done.status, json.loads(done.out)["status"]) == (0, "refunded")
    assert payment(shop, checkout).status is UnmatchedStatus.REFUNDED


def test_a_refund_that_stripe_refuses_is_reported_and_retried(
    restoreclick: Shell, shop: InMemoryShop, checkout: str, stripe: TwinProcess
) -> None:
    stripe.control("POST", "disputes", {"payment_intent": payment(shop, checkout).payment_intent_id})
    done = restoreclick("payments", "refund", checkout, "--yes", *WHY)
    assert done.out == "4.90 EUR was not refunded (charge_disputed): the shop tries again tomorrow.\n"
    assert "(charge_disputed)" in " ".join(restoreclick("payments", "unmatched").out.split())


def test_a_person_gives_it_to_the_photos_it_was_meant_for(
    restoreclick: Shell, shop: InMemoryShop, checkout: str
) -> None:
    session_id = shop.upload(b"wedding")
    done = restoreclick("payments", "match", checkout, str(session_id), *WHY)
    assert done.status == 0
    assert done.out.startswith("Order ")
    order = shop.order(shop.upload_service.find(session_id).order_id)
    assert order.payment is not None
    assert order.payment.checkout_session_id == checkout
    assert not order.is_held
    with shop.unit_of_work.transaction() as transaction:
        customer = transaction.customers.find(order.payment.customer_id)
        assert customer is not None
        assert customer.email == "adele@example.com"
        assert transaction.event_store.history(order.order_id)[0].actor == f"person:{getpass.getuser()}"
    assert payment(shop, checkout).status is UnmatchedStatus.MATCHED


def test_an_impossible_action_is_reported_in_a_sentence(restoreclick: Shell, checkout: str) -> None:
    nowhere = str(uuid4())
    unknown = "No payment of checkout cs_nobodys is without an order, here or at the payment provider: `restoreclick"
    for words, expected in [
        (("refund", "cs_nobodys", *WHY), unknown),
        (("match", "cs_nobodys", nowhere, *WHY), unknown),
        (("match", checkout, nowhere, *WHY), "there is no such session; the customer has to send"),
    ]:
        failed = restoreclick("payments", *words)
        assert (failed.status, failed.out) == (1, "")
        assert expected in failed.err
        assert failed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("refund", "cs_1"), "--reason"),
        (("refund", "cs_1", "--reason", " "), "why this is done: say it with --reason TEXT"),
        (("refund", "cs_1", *WHY, "--actor", " "), "who does this: say it with --actor NAME"),
        (("match", "cs_1", "no-session", *WHY), "UPLOAD_SESSION"),
        (("match", "cs_1"), "UPLOAD_SESSION"),
    ],
)
def test_a_command_that_lacks_something_says_what(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], expected: str
) -> None:
    failed = Shell(capsys)("payments", *words)
    assert failed.status == 2
    assert expected in failed.err
