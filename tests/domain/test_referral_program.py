"""The value of points, and the codes that identify a customer."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.order.values import CustomerId, Money
from domain.referral_program import ReferralTerms, Spending, as_shown, as_typed, mailbox_of, referral_codes_of
from domain.signed_tokens import TokenSigner
from tests.domain.support.event_builders import euros

ADA = CustomerId(UUID(int=1815))
SIGNER = TokenSigner(b"a secret of thirty-two characters!")


@pytest.mark.parametrize(
    ("available", "price", "points"),
    [
        (100, 490, 100),
        (490, 490, 490),
        (9000, 490, 490),
        (460, 490, 440),  # 30 cents cannot be paid, 50 can
        (440, 490, 440),
        (20, 40, 0),  # no part of it can be paid
        (40, 40, 40),
        (0, 490, 0),
        (-100, 490, 0),
    ],
)
def test_points_take_off_what_leaves_nothing_or_enough_to_pay(
    available: int, price: int, points: int
) -> None:
    spending = ReferralTerms().spending(ADA, available, euros(price))
    expected = Spending(customer_id=ADA, points=points, discount=euros(points)) if points else None
    assert spending == expected


def test_points_may_be_worth_more_than_a_cent_and_are_never_worth_more_than_the_price() -> None:
    referral_terms = ReferralTerms(point_value=7)
    assert referral_terms.worth(10, "EUR") == euros(70)
    assert referral_terms.worth(-10, "EUR") == euros(0)
    spending = referral_terms.spending(ADA, 1000, euros(490))
    assert spending == Spending(customer_id=ADA, points=70, discount=euros(490))
    spending = referral_terms.spending(ADA, 1000, euros(495))
    assert spending == Spending(customer_id=ADA, points=63, discount=euros(441))


def test_a_shop_that_gives_no_points_takes_no_referrals() -> None:
    assert ReferralTerms().takes_referrals
    assert not ReferralTerms(referral_points=0).takes_referrals


def test_a_referral_code_can_be_spoken_and_is_the_same_customers_for_ever() -> None:
    codes = referral_codes_of(ADA)
    assert codes == referral_codes_of(ADA)
    assert len({*codes, *referral_codes_of(CustomerId(uuid4()))}) == 2 * len(codes)
    for code in codes:
        assert len(code) == 8
        assert set(code) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_codes_are_understood_however_they_are_typed() -> None:
    assert as_shown("7QK2M9XD") == "7QK2-M9XD"
    assert as_typed("7qk2-m9xd") == as_typed(" 7QK2 M9XD ") == "7QK2M9XD"
    assert as_typed("oIlO") == "0110"


def test_a_points_code_proves_whose_it_is_and_cannot_be_made_without_the_shops_secret() -> None:
    proof = SIGNER.points_token(ADA)
    assert len(proof) == 16
    assert SIGNER.is_points_token(proof, ADA)
    assert not SIGNER.is_points_token(proof, CustomerId(uuid4()))
    assert not TokenSigner(b"another secret of thirty-two letters").is_points_token(proof, ADA)
    assert not SIGNER.is_points_token("", ADA)


@pytest.mark.parametrize("address", ["Ada@Example.org", "ada+friend@example.org", " ada@example.org "])
def test_one_mailbox_is_one_person(address: str) -> None:
    assert mailbox_of(address) == mailbox_of("ada@example.org")


@pytest.mark.parametrize("address", ["a.da@example.org", "ada@example.com", "adam@example.org"])
def test_two_mailboxes_may_be_two_persons(address: str) -> None:
    assert mailbox_of(address) != mailbox_of("ada@example.org")


@given(
    currency=st.sampled_from(["EUR", "JPY", "KWD", "ISK"]),
    available=st.integers(min_value=0, max_value=10**6),
    price=st.integers(min_value=1, max_value=10**4),
    value=st.integers(min_value=1, max_value=150),
)
def test_points_take_off_what_can_be_paid_and_leave_what_can_be_paid(
    currency: str, available: int, price: int, value: int
) -> None:
    quoted = Money(amount=price * Money(amount=0, currency=currency).step, currency=currency)
    referral_terms = ReferralTerms(point_value=value)
    spending = referral_terms.spending(ADA, available, quoted)
    if spending is None:
        return
    left = quoted - spending.discount
    assert spending.discount == referral_terms.worth(spending.points, currency)
    assert spending.discount.amount == spending.points * value
    assert 0 < spending.points <= available
    assert spending.discount.is_payable
    assert left.is_payable
    assert left.amount == 0 or left.amount >= referral_terms.smallest_payment


def test_points_are_shown_as_worth_what_can_be_paid() -> None:
    assert ReferralTerms(point_value=7).worth(7, "KWD") == Money(amount=40, currency="KWD")
