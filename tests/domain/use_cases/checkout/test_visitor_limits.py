"""Hourly limits of visitors, by client and in total, and storage limits."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.use_cases.checkout.visitor_limits import (
    STORAGE_WAIT,
    StorageNearlyFullError,
    TooManyRequestsError,
    VisitorLimits,
)
from domain.use_cases.shop_policy import MEBIBYTE, VisitorQuotas
from tests.doubles.container import POLICY, InMemoryShop

BOUNDED = VisitorQuotas(
    sessions_by_client=2,
    sessions=3,
    mebibytes_by_client=2,
    mebibytes=3,
    checkouts_by_client=2,
    checkouts=3,
    code_guesses_by_client=2,
    code_guesses=3,
)

Request = Callable[[VisitorLimits, str], None]


def open_session(limits: VisitorLimits, client: str) -> None:
    limits.open_session(client)


def test_an_empty_piece_counts_like_a_small_one() -> None:
    shop = InMemoryShop()
    shop.visitor_limits.receive_photo("192.0.2.1", 0)


def receive_photo(limits: VisitorLimits, client: str) -> None:
    limits.receive_photo(client, MEBIBYTE)


def open_checkout(limits: VisitorLimits, client: str) -> None:
    limits.open_checkout(client)


def guess_a_code(limits: VisitorLimits, client: str) -> None:
    limits.check_code_guesses(client)
    limits.count_code_guess(client)


each_request = pytest.mark.parametrize(
    ("request_", "what"),
    [
        (open_session, "uploads"),
        (receive_photo, "photos"),
        (open_checkout, "attempts to pay"),
        (guess_a_code, "codes that do not exist"),
    ],
)


@pytest.fixture
def shop() -> InMemoryShop:
    """A shop with small quotas, a quarter past an hour."""
    shop = InMemoryShop(replace(POLICY, visitor_quotas=BOUNDED))
    shop.clock.moment = shop.clock.now().replace(minute=15, second=20, microsecond=7)
    return shop


@each_request
def test_a_client_is_refused_for_an_hour_after_its_first_request(
    shop: InMemoryShop, request_: Request, what: str
) -> None:
    for _ in range(2):
        request_(shop.visitor_limits, "192.0.2.1")
    shop.clock.advance(minutes=20)
    with pytest.raises(TooManyRequestsError) as refused:
        request_(shop.visitor_limits, "192.0.2.1")
    assert (refused.value.what, refused.value.wait) == (what, timedelta(minutes=40))
    request_(shop.visitor_limits, "192.0.2.2")
    shop.clock.advance(minutes=40)
    request_(shop.visitor_limits, "192.0.2.1")


@each_request
def test_all_clients_together_are_refused_until_the_next_full_hour(
    shop: InMemoryShop, request_: Request, what: str
) -> None:
    for number in range(3):
        request_(shop.visitor_limits, f"192.0.2.{number}")
    with pytest.raises(TooManyRequestsError) as refused:
        request_(shop.visitor_limits, "192.0.2.9")
    until_the_hour = timedelta(minutes=44, seconds=39, microseconds=999_993)
    assert (refused.value.what, refused.value.wait) == (what, until_the_hour)
    shop.clock.moment += until_the_hour
    request_(shop.visitor_limits, "192.0.2.10")


@each_request
def test_each_kind_of_request_has_its_own_quota(shop: InMemoryShop, request_: Request, what: str) -> None:
    del what
    for other in {open_session, receive_photo, open_checkout, guess_a_code} - {request_}:
        for number in (1, 2, 2):
            other(shop.visitor_limits, f"192.0.2.{number}")
    request_(shop.visitor_limits, "192.0.2.2")


def test_photos_count_by_the_mebibytes_that_they_begin(shop: InMemoryShop) -> None:
    shop.visitor_limits.receive_photo("192.0.2.1", MEBIBYTE + 1)
    with pytest.raises(TooManyRequestsError):
        shop.visitor_limits.receive_photo("192.0.2.1", 1)
    shop.visitor_limits.receive_photo("192.0.2.2", MEBIBYTE)
    with pytest.raises(TooManyRequestsError):
        shop.visitor_limits.receive_photo("192.0.2.2", 1)


def test_counts_of_past_hours_are_forgotten_and_those_of_this_hour_and_the_last_stay(
    shop: InMemoryShop,
) -> None:
    began = shop.clock.now().replace(minute=0, second=0, microsecond=0)
    for _ in range(3):
        shop.visitor_limits.open_session("192.0.2.1")
        shop.clock.advance(hours=1)
        shop.visitor_limits.forget_past()
    hours = sorted(window for _, window in shop.own_unit_of_work.pages.usage)
    assert hours == [began + timedelta(hours=2)]


def test_photos_are_refused_while_the_storage_is_nearly_full_and_it_is_measured_every_minute() -> None:
    shop = InMemoryShop(POLICY)
    session_id = shop.upload(bytes(950))
    bounded = InMemoryShop(
        replace(POLICY, uploads=replace(POLICY.uploads, max_stored_bytes=1000)),
        unit_of_work=shop.own_unit_of_work,
    )
    bounded.visitor_limits.receive_photo("192.0.2.1", 1)
    shop.add(session_id, b"x")
    bounded.clock.advance(seconds=59)
    bounded.visitor_limits.receive_photo("192.0.2.1", 1)
    bounded.clock.advance(seconds=1)
    with pytest.raises(StorageNearlyFullError) as refused:
        bounded.visitor_limits.receive_photo("192.0.2.1", 1)
    assert refused.value.wait == STORAGE_WAIT


def test_without_a_bound_the_storage_is_never_full(shop: InMemoryShop) -> None:
    shop.upload(bytes(1000))
    shop.visitor_limits.receive_photo("192.0.2.1", 1)
