"""An idempotency key belongs to its first request until it expires."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from domain.order.values import Sha256
from domain.ports.idempotency_keys import KeyedRequest, StoredResponse
from domain.ports.unit_of_work import Database
from domain.signed_tokens import sha256_of
from tests.contracts.stored_streams import MINUTE, NOON

REQUEST, OTHER = sha256_of(b"one"), sha256_of(b"two")
RESPONSE = StoredResponse(status=201, headers={"Content-Type": "application/json"}, body=b'{"\xc3\xa9": 1}')
DAY = timedelta(days=1)


@pytest.fixture
def key() -> Sha256:
    return sha256_of(str(uuid4()))


def reserve(
    unit_of_work: Database, key: Sha256, request: Sha256 = REQUEST, *, now: datetime = NOON
) -> KeyedRequest | None:
    with unit_of_work.transaction() as transaction:
        return transaction.idempotency_keys.reserve(
            key, request, now=now, expires_at=now + DAY, abandoned_before=now - MINUTE
        )


def complete(unit_of_work: Database, key: Sha256) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.idempotency_keys.complete(key, RESPONSE)


def test_a_new_key_is_reserved(unit_of_work: Database, key: Sha256) -> None:
    assert reserve(unit_of_work, key) is None


@pytest.mark.parametrize("request_sha256", [REQUEST, OTHER])
def test_a_reserved_key_shows_its_first_request(
    unit_of_work: Database, key: Sha256, request_sha256: Sha256
) -> None:
    reserve(unit_of_work, key)
    assert reserve(unit_of_work, key, request_sha256) == KeyedRequest(request_sha256=REQUEST)


def test_a_completed_request_shows_its_response(unit_of_work: Database, key: Sha256) -> None:
    reserve(unit_of_work, key)
    complete(unit_of_work, key)
    assert reserve(unit_of_work, key) == KeyedRequest(request_sha256=REQUEST, response=RESPONSE)


def test_a_released_key_is_free_and_a_completed_one_is_not_released(
    unit_of_work: Database, key: Sha256
) -> None:
    reserve(unit_of_work, key)
    with unit_of_work.transaction() as transaction:
        transaction.idempotency_keys.release(key)
    assert reserve(unit_of_work, key) is None
    complete(unit_of_work, key)
    with unit_of_work.transaction() as transaction:
        transaction.idempotency_keys.release(key)
    assert reserve(unit_of_work, key) is not None


def test_a_request_without_a_response_loses_its_key_in_time(unit_of_work: Database, key: Sha256) -> None:
    reserve(unit_of_work, key)
    assert reserve(unit_of_work, key, now=NOON + MINUTE) is not None
    assert reserve(unit_of_work, key, OTHER, now=NOON + 2 * MINUTE) is None


def test_an_expired_key_is_free(unit_of_work: Database, key: Sha256) -> None:
    reserve(unit_of_work, key)
    complete(unit_of_work, key)
    assert reserve(unit_of_work, key, OTHER, now=NOON + DAY - MINUTE) is not None
    assert reserve(unit_of_work, key, OTHER, now=NOON + DAY) is None
    assert reserve(unit_of_work, key, OTHER, now=NOON + DAY) == KeyedRequest(request_sha256=OTHER)


def test_of_requests_at_the_same_time_one_gets_the_key(unit_of_work: Database, key: Sha256) -> None:
    with ThreadPoolExecutor(4) as clients:
        found = list(clients.map(lambda _: reserve(unit_of_work, key), range(4)))
    assert found.count(None) == 1


def test_expired_keys_are_forgotten_the_oldest_first(unit_of_work: Database) -> None:
    keys = [sha256_of(str(number)) for number in range(3)]
    for number, each in enumerate(keys):
        reserve(unit_of_work, each, now=NOON + number * MINUTE)
    with unit_of_work.transaction() as transaction:
        assert transaction.idempotency_keys.forget(NOON + DAY + 2 * MINUTE, 1) == 1
    assert reserve(unit_of_work, keys[1], now=NOON) is not None
    with unit_of_work.transaction() as transaction:
        assert transaction.idempotency_keys.forget(NOON + DAY + 2 * MINUTE, 10) == 1
        assert transaction.idempotency_keys.forget(NOON + DAY + 2 * MINUTE, 10) == 0
