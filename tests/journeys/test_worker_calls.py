"""A whole order with the API and calls, without any worker."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from domain.order.states import State
from sandbox.demo.local_shop import LocalShop
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually


@pytest.fixture
def shop_without_workers(tmp_path: Path) -> Iterator[RunningShop]:
    with LocalShop(tmp_path / "shop", workers=0) as shop, RunningShop(shop) as running_shop:
        yield running_shop


def test_an_order_is_delivered_by_calls_alone(shop_without_workers: RunningShop, photo: Path) -> None:
    running, shop = shop_without_workers, shop_without_workers.shop
    customer, order_id = running.buy(photo, photo)
    bearer = {"Authorization": f"Bearer {shop.environment['WORKER_SECRET_KEY']}"}
    with httpx2.Client(base_url=shop.url, headers=bearer, timeout=60) as scheduler:

        def is_delivered() -> bool:
            for worker in ("restoration", "email"):
                answer = scheduler.post(f"/api/workers/{worker}", params={"seconds": 20})
                assert answer.status_code == 200, answer.text
            return running.order(order_id).state is State.COMPLETED

        eventually(is_delivered, "the completed order")
        link = next(found for mail in customer.mails() if (found := customer.link_in(mail)))
        with customer.fetching(link) as chunks:
            assert next(chunks).startswith(b"PK")
        for worker in ("sweeper", "cleanup"):
            scheduler.post(f"/api/workers/{worker}").raise_for_status()
        compared = scheduler.post("/api/workers/reconcile").raise_for_status().json()["reconciliation"]
        assert (compared["remaining"], compared["cut_off"]) == ({}, {})
