"""Phone and country are stored with the customer alone."""

from dataclasses import replace

import pytest

from tests.doubles.container import POLICY, InMemoryShop


@pytest.mark.parametrize("asks", [True, False])
def test_the_payment_page_asks_for_a_phone_number_where_the_owner_does(asks: bool) -> None:  # noqa: FBT001 -- a case
    shop = InMemoryShop(replace(POLICY, payments=replace(POLICY.payments, asks_for_phone=asks)))
    shop.checkout_service.open(shop.upload(b"a wedding"), email=None)
    (requested,) = shop.payments.checkouts.values()
    assert requested.asks_for_phone is asks


def test_phone_and_country_are_kept_with_the_customer_and_in_no_event(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"a wedding"), phone="+43 1 5550", country="AT")
    payment = shop.order(order_id).payment
    assert payment is not None
    with shop.unit_of_work.transaction() as transaction:
        customer = transaction.customers.find(payment.customer_id)
        history = str(transaction.event_store.history(order_id))
    assert customer is not None
    assert (customer.phone, customer.metadata) == ("+43 1 5550", {"country": "AT"})
    assert "5550" not in history
