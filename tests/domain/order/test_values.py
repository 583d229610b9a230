"""Money, prices, and derived ids."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.order.deterministic_ids import download_link_id_of, email_id_of, refund_id_of
from domain.order.reactions import CollectRestoration, MoveImages, RestoreImage, reaction_id_of
from domain.order.values import EmailKind, FailureReason, ImageId, Money, OrderId
from domain.pricing import PriceList
from tests.domain.support.event_builders import ORDER_ID, euros

ANOTHER_ORDER = OrderId(UUID("01954000-0000-7000-8000-000000000000"))
IMAGE = ImageId(UUID("01931000-0000-7000-8000-00000000000a"))
PRICES = PriceList(currency="EUR", steps=((1, 490), (5, 450), (10, 390)))


@given(amount=st.integers(min_value=0, max_value=10**9), parts=st.integers(min_value=1, max_value=200))
def test_shares_add_up_and_differ_by_a_cent_at_most(amount: int, parts: int) -> None:
    shares = [share.amount for share in euros(amount).split(parts)]
    assert len(shares) == parts
    assert sum(shares) == amount
    assert max(shares) - min(shares) <= 1
    assert shares == sorted(shares, reverse=True)


#: Currencies with their smallest steps, of all the kinds that Stripe knows.
STEPS = {"EUR": 1, "JPY": 1, "KWD": 10, "BHD": 10, "JOD": 10, "OMR": 10, "TND": 10, "ISK": 100, "UGX": 100}


@given(
    currency=st.sampled_from(sorted(STEPS)),
    amount=st.integers(min_value=0, max_value=10**9),
    parts=st.integers(min_value=1, max_value=200),
)
def test_shares_of_any_currency_can_be_paid_and_add_up(currency: str, amount: int, parts: int) -> None:
    step = STEPS[currency]
    shares = [share.amount for share in Money(amount=amount * step, currency=currency).split(parts)]
    assert sum(shares) == amount * step
    assert all(share % step == 0 for share in shares)
    assert max(shares) - min(shares) <= step


@given(currency=st.sampled_from(sorted(STEPS)), amount=st.integers(min_value=0, max_value=10**9))
def test_an_amount_off_the_step_adds_up_all_the_same_and_is_rounded_down(currency: str, amount: int) -> None:
    money = Money(amount=amount, currency=currency)
    assert sum(share.amount for share in money.split(7)) == amount
    assert money.rounded_down.is_payable
    assert 0 <= amount - money.rounded_down.amount < STEPS[currency]
    assert money.is_payable is (money.rounded_down == money)


@pytest.mark.parametrize(
    ("currency", "price", "near"), [("KWD", 1235, "1230 or 1240"), ("ISK", 49050, "49000 or 49100")]
)
def test_a_price_that_cannot_be_paid_is_refused_with_the_nearest_ones(
    currency: str, price: int, near: str
) -> None:
    with pytest.raises(ValueError, match=f"write {near} for {price}"):
        PriceList(currency=currency, steps=((1, price),))


def test_money_cannot_be_split_into_no_shares() -> None:
    with pytest.raises(ZeroDivisionError):
        euros(100).split(0)


def test_amounts_of_one_currency_add_and_subtract() -> None:
    assert euros(490) + euros(10) - euros(99) == euros(401)


def test_amounts_of_two_currencies_do_not_mix() -> None:
    dollars = Money(amount=100, currency="USD")
    with pytest.raises(ValueError, match="Cannot combine USD with EUR"):
        euros(100) + dollars
    with pytest.raises(ValueError, match="Cannot combine USD with EUR"):
        euros(100) - dollars


def test_an_amount_reads_with_two_digits_and_its_currency() -> None:
    assert [str(euros(cents)) for cents in (5, 490, 100_000)] == ["0.05 EUR", "4.90 EUR", "1000.00 EUR"]
    assert str(euros(-490)) == "-4.90 EUR"


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [(490, "JPY", "490 JPY"), (0, "KRW", "0 KRW"), (1230, "KWD", "1.230 KWD"), (50_000, "UGX", "500.00 UGX")],
)
def test_an_amount_reads_with_as_many_digits_as_its_currency_has(
    amount: int, currency: str, expected: str
) -> None:
    assert str(Money(amount=amount, currency=currency)) == expected


def test_only_what_would_be_refused_again_is_final() -> None:
    final = {reason for reason in FailureReason if reason.is_final}
    assert final == {
        FailureReason.CONTENT_FILTER,
        FailureReason.REFUSED_INPUT,
        FailureReason.UNREADABLE_INPUT,
    }


@pytest.mark.parametrize(
    ("photos", "total"), [(1, 490), (4, 1960), (5, 2250), (9, 4050), (10, 3900), (100, 39_000)]
)
def test_the_price_of_a_photo_falls_with_each_step(photos: int, total: int) -> None:
    assert PRICES.quote(photos) == euros(total)
    assert PRICES.unit_price(photos) == euros(total // photos)


@pytest.mark.parametrize("photos", [0, -1])
def test_no_photos_have_no_price(photos: int) -> None:
    with pytest.raises(ValueError, match="at least one photo"):
        PRICES.quote(photos)


@pytest.mark.parametrize(
    "steps",
    [(), ((2, 490),), ((1, 490), (1, 390)), ((1, 490), (10, 390), (5, 450))],
    ids=["empty", "starts late", "twice the same", "falls"],
)
def test_a_price_list_that_does_not_rise_from_one_is_refused(steps: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError, match="starts at 1 photo and its steps rise"):
        PriceList(currency="EUR", steps=steps)


def test_a_negative_price_is_refused_and_a_free_one_is_not() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        PriceList(currency="EUR", steps=((1, -1),))
    assert PriceList(currency="EUR", steps=((1, 0),)).quote(3) == euros(0)


def test_the_same_thing_always_gets_the_same_id() -> None:
    assert email_id_of(ORDER_ID, EmailKind.RESULT) == email_id_of(ORDER_ID, EmailKind.RESULT)
    assert refund_id_of(ORDER_ID, 1) == refund_id_of(ORDER_ID, 1)
    assert download_link_id_of(ORDER_ID, 1) == download_link_id_of(ORDER_ID, 1)
    assert reaction_id_of(ORDER_ID, MoveImages()) == reaction_id_of(ORDER_ID, MoveImages())


def test_ids_do_not_change_between_versions_of_the_shop() -> None:
    """The providers and every log have them on record."""
    assert str(email_id_of(ORDER_ID, EmailKind.RESULT)) == "f6d50f77-ce41-5d29-958c-99a79a7e54a3"
    assert str(refund_id_of(ORDER_ID, 1)) == "7c426160-a4b5-5cf3-850c-39543d50b401"
    assert str(download_link_id_of(ORDER_ID, 1)) == "37044f2c-b0bb-5289-99a9-f831759ad9b9"
    assert str(reaction_id_of(ORDER_ID, RestoreImage(IMAGE, 2))) == "f55b430d-a91d-5135-af19-04e11a9c5fe6"


def test_different_things_get_different_ids() -> None:
    names = [
        *(email_id_of(order, kind) for order in (ORDER_ID, ANOTHER_ORDER) for kind in EmailKind),
        *(refund_id_of(order, number) for order in (ORDER_ID, ANOTHER_ORDER) for number in (1, 2)),
        *(download_link_id_of(order, number) for order in (ORDER_ID, ANOTHER_ORDER) for number in (1, 2)),
        reaction_id_of(ORDER_ID, RestoreImage(IMAGE, 1)),
        reaction_id_of(ORDER_ID, RestoreImage(IMAGE, 2)),
        reaction_id_of(ORDER_ID, CollectRestoration(IMAGE, 1, "p")),
        reaction_id_of(ANOTHER_ORDER, RestoreImage(IMAGE, 1)),
    ]
    assert len(set(names)) == len(names)
