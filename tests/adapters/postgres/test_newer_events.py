"""A rolling upgrade: orders of the newer version are left to it."""

from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest

from domain.order.states import State
from domain.order.values import OrderId
from domain.ports.errors import UnavailableError, UnreadableEventError
from tests.changeable_log import changeable_log
from tests.doubles.container import InMemoryShop


@pytest.fixture
def append_newer_event(own_database_url: str) -> Callable[[OrderId], None]:
    """Append an event that a newer version would record."""

    def append(order_id: OrderId) -> None:
        with psycopg.connect(own_database_url) as connection:
            connection.execute(
                """INSERT INTO events (event_id, order_id, version, name, data, recorded_at, cause, cause_key,
                    correlation_id, actor, previous_sha256, sha256)
                SELECT gen_random_uuid(), order_id, version + 1, 'order.framed.v1', '{}', recorded_at, cause,
                    'newer', correlation_id, actor, sha256, sha256
                FROM events WHERE order_id = %s ORDER BY version DESC LIMIT 1""",
                [order_id],
            )

    return append


def test_an_order_of_a_newer_version_is_left_alone_and_others_proceed(
    shop: InMemoryShop,
    own_database_url: str,
    append_newer_event: Callable[[OrderId], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    newer = shop.pay(shop.upload(b"wedding"))
    append_newer_event(newer)
    refused: dict[UUID, str] = {}
    perform = shop.perform

    def perform_or_be_refused(reaction_id: UUID) -> None:
        try:
            perform(reaction_id)
        except UnavailableError as error:
            refused[reaction_id] = str(error)

    monkeypatch.setattr(shop, "perform", perform_or_be_refused)
    other = shop.pay(shop.upload(b"harvest"))
    assert shop.live(other).state is State.COMPLETED
    with psycopg.connect(own_database_url) as connection:
        left = connection.execute(
            "SELECT reaction_id, status, attempts FROM reactions WHERE order_id = %s", [newer]
        ).fetchall()
    assert left
    assert set(refused) == {reaction_id for reaction_id, _, _ in left}
    assert all(
        "its log holds order.framed.v1; run the version that wrote it" in each for each in refused.values()
    )
    assert {(status, attempts) for _, status, attempts in left} == {("pending", 0)}


def test_an_order_whose_events_contradict_each_other_is_left_alone_and_the_others_go_on(
    shop: InMemoryShop, own_database_url: str
) -> None:
    broken, other = shop.pay(shop.upload(b"wedding")), shop.pay(shop.upload(b"harvest"))
    assert shop.live(other).state is State.COMPLETED
    with psycopg.connect(own_database_url) as connection, changeable_log(connection):
        connection.execute(
            """UPDATE events SET data = jsonb_set(data, '{images,0,image_id}', to_jsonb(order_id::text))
            WHERE order_id = %s AND name LIKE 'order.images_moved.%%'""",
            [broken],
        )
    with pytest.raises(UnreadableEventError, match="restoreclick reconcile"):
        shop.order(broken)
    shop.clock.advance(days=100)
    with pytest.raises(UnreadableEventError):
        shop.photo_retention.purge()
    assert shop.order(other).photos_are_purged
