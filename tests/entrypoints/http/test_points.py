"""Referral codes and points over HTTP, with Stripe's twin.

A customer pays with another's code, both get points, points discount the next order, and a refund revokes points.
"""

from typing import Any

from domain.order.order import Order
from domain.order.states import State
from domain.order.values import UploadSessionId
from domain.ports.customers import Customer
from tests.contracts.test_payments import CUSTOMER, refund_at
from tests.entrypoints.support.http_fixtures import PORTRAIT
from tests.entrypoints.support.stripe_account import StripeAccount

GRACE = "grace@friends.example"


def customer(account: StripeAccount, email: str) -> Customer:
    with account.shop.unit_of_work.transaction() as transaction:
        found = transaction.personal_data.find(email)
    assert found is not None
    return found


def balance(account: StripeAccount, email: str) -> int:
    customer_id = customer(account, email).customer_id
    with account.shop.unit_of_work.transaction() as transaction:
        return transaction.points_balances.balance(customer_id)


def points_code(account: StripeAccount, email: str) -> str:
    known = customer(account, email)
    return known.referral_code + account.shop.token_signer.points_token(known.customer_id)


def check_out(account: StripeAccount, **codes: str) -> tuple[UploadSessionId, dict[str, Any]]:
    session_id = account.shop.upload(PORTRAIT)
    answer = account.api.http.post("/api/checkout-sessions", json={"session_id": str(session_id), **codes})
    assert answer.status_code == 201, answer.text
    return session_id, answer.json()


def buy(account: StripeAccount, email: str, count: int, **codes: str) -> Order:
    """Check out and pay on the twin's page.

    ``count`` is the number of checkouts paid by then.
    """
    session_id, checkout = check_out(account, **codes)
    form = {"action": "pay", "email": email, "name": "Somebody"}
    assert account.twin.http.post(checkout["url"], data=form).status_code == 303
    account.deliver("checkout.session.completed", count)
    return account.order(session_id)


def test_a_friends_order_makes_the_next_one_cheaper_and_a_refund_takes_that_back(
    account: StripeAccount,
) -> None:
    ada = CUSTOMER[0]
    buy(account, ada, 1)
    friends = buy(account, GRACE, 2, referral_code=customer(account, ada).referral_code)
    assert (balance(account, ada), balance(account, GRACE)) == (100, 100)

    cheaper = buy(account, ada, 3, points_code=points_code(account, ada))
    assert cheaper.payment is not None
    assert (cheaper.payment.discount.amount, cheaper.payment.paid.amount) == (100, 390)
    (coupon,) = account.twin.ledger()["objects"]["coupon"][-1:]
    assert (coupon["amount_off"], coupon["times_redeemed"], coupon["valid"]) == (100, 1, False)
    assert (cheaper.is_held, balance(account, ada)) == (False, 0)
    assert account.shop.live(cheaper.order_id, hours=0.2).state is State.COMPLETED

    assert friends.payment is not None
    assert friends.payment.payment_intent_id is not None
    refund_at(account.twin, friends.payment.payment_intent_id, 490)
    account.deliver("refund.created")
    assert (balance(account, ada), balance(account, GRACE)) == (-100, 0)


def test_an_order_that_points_pay_for_whole_goes_its_way(account: StripeAccount) -> None:
    ada = CUSTOMER[0]
    buy(account, ada, 1)
    for number in range(5):
        code = customer(account, ada).referral_code
        buy(account, f"friend{number}@friends.example", number + 2, referral_code=code)
    free = buy(account, ada, 7, points_code=points_code(account, ada))
    assert free.payment is not None
    assert (free.payment.paid.amount, free.payment.discount.amount) == (0, 490)
    assert free.payment.payment_intent_id is None
    assert balance(account, ada) == 10
    assert account.shop.live(free.order_id, hours=0.2).state is State.COMPLETED
