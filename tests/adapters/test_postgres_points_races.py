"""Points on real books, when two want them at the same moment."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import pytest

from adapters.postgres.books import PostgresBooks
from adapters.postgres.schema import upgrade
from domain.model.seals import sha256_of
from domain.ports.payments import PaymentNotice
from domain.ports.registers import Customer
from domain.services.rewarding import Codes, NoPointsError
from tests.adapters.schema import take_back
from tests.doubles.shop import MemoryShop

ADA, GRACE = "ada@customer.example", "grace@friends.example"
AT_ONCE = 6


@pytest.fixture
def shop(own_database_url: str) -> Iterator[MemoryShop]:
    with closing(PostgresBooks(own_database_url, connections=AT_ONCE + 1)) as books:
        yield MemoryShop(books=books)


def customer(shop: MemoryShop, email: str) -> Customer:
    with shop.books.transaction() as transaction:
        found = transaction.persons.find(email)
    assert found is not None
    return found


def balance(shop: MemoryShop, email: str) -> int:
    customer_id = customer(shop, email).customer_id
    with shop.books.transaction() as transaction:
        return transaction.points.balance(customer_id)


def referred(shop: MemoryShop, email: str = GRACE) -> PaymentNotice:
    """A friend's payment with Ada's code, not taken in yet."""
    session_id = shop.upload(b"wedding")
    codes = Codes(referral=customer(shop, ADA).referral_code)
    shop.checking_out.open(session_id, email=None, codes=codes)
    return shop.payment(session_id, email=email)


def referred_by(shop: MemoryShop, owner: Customer) -> PaymentNotice:
    """A new friend's payment with a customer's code, not taken in yet."""
    session_id = shop.upload(b"wedding")
    shop.checking_out.open(session_id, email=None, codes=Codes(referral=owner.referral_code))
    return shop.payment(session_id, email=f"{session_id}@friends.example")


def all_at_once(work: list[Callable[[], None]]) -> None:
    """Do work in threads that begin together; raises what any of it raises."""
    start = Barrier(len(work))

    def begin(one: Callable[[], None]) -> None:
        start.wait(10)
        one()

    with ThreadPoolExecutor(len(work)) as threads:
        list(threads.map(begin, work))


def test_of_first_orders_that_race_one_earns(shop: MemoryShop) -> None:
    shop.pay(shop.upload(b"harvest"))
    notices = [referred(shop) for _ in range(AT_ONCE)]
    all_at_once([lambda one=one: shop.paying.take(one, sha256_of(b"notice")) for one in notices])  # type: ignore[misc]
    assert (balance(shop, ADA), balance(shop, GRACE)) == (100, 100)


def test_friends_who_come_at_once_each_bring_points(shop: MemoryShop) -> None:
    shop.pay(shop.upload(b"harvest"))
    notices = [referred(shop, f"friend{number}@friends.example") for number in range(AT_ONCE)]
    all_at_once([lambda one=one: shop.paying.take(one, sha256_of(b"notice")) for one in notices])  # type: ignore[misc]
    assert balance(shop, ADA) == 100 * AT_ONCE


def test_of_checkouts_that_race_for_the_same_points_one_gets_them(shop: MemoryShop) -> None:
    shop.pay(shop.upload(b"harvest"))
    shop.paying.take(referred(shop), sha256_of(b"notice"))
    ada = customer(shop, ADA)
    codes = Codes(points=ada.referral_code + shop.sealer.points_proof(ada.customer_id))
    sessions = [shop.upload(b"wedding") for _ in range(AT_ONCE)]
    refused: list[NoPointsError] = []

    def check_out(number: int) -> None:
        try:
            shop.checking_out.open(sessions[number], email=None, codes=codes)
        except NoPointsError as refusal:
            refused.append(refusal)

    all_at_once([lambda number=number: check_out(number) for number in range(AT_ONCE)])  # type: ignore[misc]
    assert len(refused) == AT_ONCE - 1
    assert len([one for one in shop.payments.checkouts.values() if one.spending]) == 1


def test_of_payments_that_race_for_the_same_points_one_spends_them(shop: MemoryShop) -> None:
    shop.pay(shop.upload(b"harvest"))
    shop.paying.take(referred(shop), sha256_of(b"notice"))
    ada = customer(shop, ADA)
    codes = Codes(points=ada.referral_code + shop.sealer.points_proof(ada.customer_id))
    notices = []
    for number in range(AT_ONCE):
        session_id = shop.upload(b"wedding")
        shop.checking_out.open(session_id, email=None, codes=codes)
        notices.append(shop.payment(session_id, email=f"friend{number}@friends.example"))
        shop.clock.advance(
            minutes=71
        )  # nothing is reserved any more, and word of the payment is still on its way
    all_at_once([lambda one=one: shop.paying.take(one, sha256_of(b"notice")) for one in notices])  # type: ignore[misc]
    assert balance(shop, ADA) == 0


def test_payments_that_spend_points_do_not_deadlock_with_their_owners_payments(shop: MemoryShop) -> None:
    shop.pay(shop.upload(b"harvest"))
    shop.paying.take(referred(shop), sha256_of(b"notice"))
    for _ in range(8):
        owners = [customer(shop, email) for email in (ADA, GRACE)]
        notices = []
        for payer, owner in ((GRACE, owners[0]), (ADA, owners[1])):
            session_id = shop.upload(b"wedding")
            code = owner.referral_code + shop.sealer.points_proof(owner.customer_id)
            shop.checking_out.open(session_id, email=None, codes=Codes(points=code))
            notices.append(shop.payment(session_id, email=payer))
            notices.append(shop.payment(shop.upload(b"portrait"), email=payer))
            # Nothing is reserved any more, so that each page may count on the same points.
            shop.clock.advance(minutes=71)
        all_at_once([lambda one=one: shop.paying.take(one, sha256_of(b"notice")) for one in notices])  # type: ignore[misc]
        for email in (ADA, GRACE):
            owner = customer(shop, email)
            if not balance(shop, email):
                shop.paying.take(referred_by(shop, owner), sha256_of(b"notice"))


def test_customers_from_before_have_a_code_each(shop: MemoryShop, own_database_url: str) -> None:
    for number in range(3):
        shop.pay(shop.upload(b"harvest"), email=f"old{number}@customer.example")
    take_back(own_database_url, "0010")
    upgrade(own_database_url)
    codes = {customer(shop, f"old{number}@customer.example").referral_code for number in range(3)}
    assert len(codes) == 3
    assert all(len(code) == 8 for code in codes)
