"""Results smaller than their originals are enlarged, and never lost by it."""

import io
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx2
from PIL import Image

from adapters.localization.timeline_text import timeline_text_of
from domain.order.states import State
from domain.order.values import OrderId
from sandbox.demo.http_customer import Customer
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually

RESTORER, ENLARGER = "prediction:flux-kontext-apps/restore-image", "prediction:nightmareai/real-esrgan"
#: The size of the photo, of the restorer's result here, and of that four times as wide and high.
ORIGINAL, SMALL, LARGE = (320, 213), (192, 128), (768, 512)


def test_a_small_result_is_enlarged_and_page_mail_and_log_show_both_sizes(
    running_shop: RunningShop, photo: Path
) -> None:
    running_shop.misbehave("replicate", {"on": RESTORER, "do": "small_output"})
    customer, order_id = running_shop.buy(photo)
    timeline, mail, page, delivered = what_came_of(running_shop, customer, order_id)
    assert running_shop.event_names(order_id).count("SmallResultStored") == 1
    assert delivered == LARGE
    assert "(192 x 128 pixels; the original has 320 x 213): it goes on to be enlarged." in timeline
    assert "was enlarged" in timeline
    assert "768 x 512 pixels; the original has 320 x 213" in timeline
    for text in (mail, page):
        assert "768\u00a0\u00d7\u00a0512 pixels" in text
        assert "320\u00a0\u00d7\u00a0213" in text
    assert "the photo you sent has" in mail


def test_what_cannot_be_enlarged_is_delivered_small_with_both_sizes_and_nothing_is_refunded(
    running_shop: RunningShop, photo: Path
) -> None:
    running_shop.misbehave("replicate", {"on": RESTORER, "do": "small_output"})
    running_shop.misbehave("replicate", {"on": ENLARGER, "do": "fail", "times": None})
    customer, order_id = running_shop.buy(photo)
    timeline, mail, page, delivered = what_came_of(running_shop, customer, order_id)
    assert delivered == SMALL
    assert not running_shop.order(order_id).refunds
    failed = [name for name in running_shop.event_names(order_id) if name == "RestorationAttemptFailed"]
    assert failed
    assert "could not be enlarged and stays as it was restored" in timeline
    for text in (mail, page):
        assert "192\u00a0\u00d7\u00a0128 pixels" in text
        assert "320\u00a0\u00d7\u00a0213" in text


def what_came_of(
    running_shop: RunningShop, customer: Customer, order_id: OrderId
) -> tuple[str, str, str, tuple[int, int]]:
    """The timeline, the result mail, its page, and the archived photo's size."""
    eventually(lambda: running_shop.order(order_id).state is State.COMPLETED, "the completed order")
    mail = eventually(lambda: result_mail(customer), "the mail with the link")
    link = customer.link_in(mail)
    assert link is not None
    page = httpx2.get(link, headers={"Accept": "text/html"}, timeout=10).text
    with customer.fetching(link) as chunks:
        archive = ZipFile(io.BytesIO(b"".join(chunks)))
    (name,) = archive.namelist()
    with Image.open(io.BytesIO(archive.read(name))) as image:
        delivered = image.size
    timeline = " ".join(entry.text for entry in timeline_text_of(running_shop.history(order_id)).entries)
    return timeline, " ".join(mail["text"].split(" ")).replace("\n", " "), page, delivered


def result_mail(customer: Customer) -> dict[str, Any] | None:
    """The mail with a link to photos, once it has arrived."""
    return next((mail for mail in customer.mails() if customer.link_in(mail)), None)
