"""Webhooks about payments that arrive while others are recorded."""

import asyncio
from collections.abc import Callable, Sequence
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from domain.ports.errors import DatabaseBehindError, UnavailableError
from domain.use_cases.payments.payment_events import Handled
from domain.use_cases.payments.payment_webhook import ReceivedWebhook
from entrypoints.http.webhooks.payment_batches import BATCH_WEBHOOKS, PaymentBatches
from tests.domain.use_cases.payments.test_payments_together import paid_by
from tests.doubles.container import InMemoryShop


@pytest.fixture
def shop() -> InMemoryShop:
    return InMemoryShop()


Record = Callable[[Sequence[ReceivedWebhook]], Sequence[Handled]]


def batches_of(record: Record, check: Callable[[], None] = lambda: None) -> PaymentBatches:
    webhook: Any = SimpleNamespace(handle_paid=record)
    heads: Any = SimpleNamespace(check=check)
    return PaymentBatches(lambda: webhook, lambda: heads)


class Recorder:
    """Records batches; the first one waits until it may go on."""

    def __init__(self, shop: InMemoryShop) -> None:
        self.sizes: list[int] = []
        self.has_begun, self.may_go_on = Event(), Event()
        self._shop = shop

    def __call__(self, batch: Sequence[ReceivedWebhook]) -> Sequence[Handled]:
        self.sizes.append(len(batch))
        self.has_begun.set()
        assert self.may_go_on.wait(timeout=20)
        return self._shop.payment_webhook.handle_paid(batch)


def test_those_that_arrive_meanwhile_are_recorded_together(shop: InMemoryShop) -> None:
    received = [paid_by(shop, f"guest{count}") for count in range(BATCH_WEBHOOKS + 3)]
    record = Recorder(shop)
    batches = batches_of(record)

    async def post_all() -> list[Handled]:
        first = asyncio.create_task(batches.handle(received[0]))
        await asyncio.to_thread(record.has_begun.wait, 20)
        others = [asyncio.create_task(batches.handle(each)) for each in received[1:]]
        await asyncio.sleep(0)
        record.may_go_on.set()
        return await asyncio.gather(first, *others)

    assert set(asyncio.run(post_all())) == {Handled.RECORDED}
    assert record.sizes == [1, BATCH_WEBHOOKS, 2]
    assert len(shop.own_unit_of_work.pages.orders) == len(received)


def test_one_that_fails_fails_alone(shop: InMemoryShop) -> None:
    good, bad = [paid_by(shop, name) for name in ("adele", "bruno")], paid_by(shop, "clara")

    def record(batch: Sequence[ReceivedWebhook]) -> Sequence[Handled]:
        if bad in batch:
            raise UnavailableError("The double", "out for lunch")
        return shop.payment_webhook.handle_paid(batch)

    batches = batches_of(record)

    async def post_all() -> list[Any]:
        waiting = [batches.handle(each) for each in (good[0], bad, good[1])]
        return await asyncio.gather(*waiting, return_exceptions=True)

    first, second, third = asyncio.run(post_all())
    assert (first, third) == (Handled.RECORDED, Handled.RECORDED)
    assert isinstance(second, UnavailableError)
    assert len(shop.own_unit_of_work.pages.orders) == len(good)


def test_a_client_that_leaves_changes_nothing_for_the_others(shop: InMemoryShop) -> None:
    received = [paid_by(shop, name) for name in ("adele", "bruno")]
    record = Recorder(shop)
    batches = batches_of(record)

    async def leave() -> Handled:
        gone = asyncio.create_task(batches.handle(received[0]))
        await asyncio.to_thread(record.has_begun.wait, 20)
        gone.cancel()
        waiting = asyncio.create_task(batches.handle(received[1]))
        await asyncio.sleep(0)
        record.may_go_on.set()
        return await waiting

    assert asyncio.run(leave()) is Handled.RECORDED
    assert len(shop.own_unit_of_work.pages.orders) == len(received)


def test_no_request_waits_for_ever_when_the_process_ends(shop: InMemoryShop) -> None:
    record = Recorder(shop)
    batches = batches_of(record)

    async def end() -> list[Any]:
        requests = [asyncio.create_task(batches.handle(paid_by(shop, name))) for name in ("adele", "bruno")]
        await asyncio.to_thread(record.has_begun.wait, 20)
        for task in asyncio.all_tasks() - {asyncio.current_task(), *requests}:
            task.cancel()
        record.may_go_on.set()
        return await asyncio.gather(*requests, return_exceptions=True)

    ended = asyncio.run(end())
    assert [type(each) for each in ended] == [asyncio.CancelledError] * 2


def test_nothing_is_recorded_while_the_database_is_behind_its_log(shop: InMemoryShop) -> None:
    def refuse() -> None:
        raise DatabaseBehindError

    record = Recorder(shop)
    batches = batches_of(record, refuse)
    with pytest.raises(DatabaseBehindError):
        asyncio.run(batches.handle(paid_by(shop, "adele")))
    assert record.sizes == []
