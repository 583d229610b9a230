"""A link for others shows and saves, and can be taken back."""

from datetime import timedelta
from uuid import uuid4

import pytest

from domain.order import events as e
from domain.order.errors import AskedTooOftenError, RedoRefusedError
from domain.order.values import Client, Device, EmailKind, OrderId, RedoObstacle
from domain.signed_tokens import sha256_of
from domain.use_cases.delivery.downloads import LinkExpiredError, LinkRevokedError
from domain.use_cases.delivery.shared_links import NotYourLinkError
from tests.domain.support.assertions import kinds
from tests.doubles.container import InMemoryShop

CLIENT = Client(network="203.0.113.0/24", device=Device.PHONE, browser=None)


def delivered(shop: InMemoryShop) -> tuple[OrderId, str]:
    """An order and the token of its customer's link."""
    order_id = shop.pay(shop.upload(b"a wedding"))
    link = shop.live(order_id).newest_link
    assert link is not None
    return order_id, shop.token_signer.download_token(link.link_id)


def share(shop: InMemoryShop, token: str) -> str:
    return shop.shared_links.share(token, uuid4())


def test_a_shared_link_opens_the_order_until_the_customers_link_expires(shop: InMemoryShop) -> None:
    order_id, token = delivered(shop)
    shared = share(shop, token)
    assert shared != token
    opened, link = shop.downloads.open(shared)
    assert (opened.order_id, link.is_shared) == (order_id, True)
    assert link.expires_at == shop.downloads.open(token)[1].expires_at
    assert shop.downloads.find(shared).content == shop.downloads.find(token).content
    shop.clock.advance(days=31)
    with pytest.raises(LinkExpiredError):
        shop.downloads.open(shared)


def test_sharing_again_returns_the_same_link_and_sends_no_mail(shop: InMemoryShop) -> None:
    order_id, token = delivered(shop)
    mails = len(shop.order(order_id).emails)
    assert share(shop, token) == share(shop, token)
    assert kinds(shop, order_id).count(e.DownloadLinkIssued) == 1
    assert len(shop.order(order_id).emails) == mails
    assert not shop.queue.waiting


def test_only_the_hash_of_its_token_is_stored(shop: InMemoryShop) -> None:
    order_id, token = delivered(shop)
    shared = share(shop, token)
    with shop.unit_of_work.transaction() as transaction:
        stored = str(transaction.event_store.history(order_id))
    assert shared not in stored
    assert sha256_of(shared) in stored


def test_a_link_that_was_taken_back_opens_nothing_and_the_next_one_is_another(shop: InMemoryShop) -> None:
    order_id, token = delivered(shop)
    shared = share(shop, token)
    for _ in range(2):
        shop.shared_links.take_back(token, uuid4())
    assert kinds(shop, order_id).count(e.DownloadLinkRevoked) == 1
    with pytest.raises(LinkRevokedError):
        shop.downloads.open(shared)
    assert shop.shared_links.token_of(shop.order(order_id)) is None
    assert share(shop, token) not in {shared, token}
    assert shop.downloads.open(token)[1].is_shared is False


def test_a_shared_link_requests_and_manages_nothing(shop: InMemoryShop) -> None:
    order_id, token = delivered(shop)
    shared = share(shop, token)
    before = kinds(shop, order_id)
    (image_id,) = shop.order(order_id).images
    with pytest.raises(RedoRefusedError):
        shop.customer_requests.redo(shared, image_id, uuid4())
    for manage in (shop.shared_links.share, shop.shared_links.take_back):
        with pytest.raises(NotYourLinkError):
            manage(shared, uuid4())
    shop.customer_requests.renew_link(shared, uuid4())
    shop.clock.advance(days=31)
    shop.customer_requests.renew_link(shared, uuid4())
    assert kinds(shop, order_id) == before
    gallery = shop.photo_galleries
    shop.customer_requests.renew_link(token, uuid4())
    renewed = shop.order(order_id).newest_link
    assert renewed is not None
    again = share(shop, shop.token_signer.download_token(renewed.link_id))
    assert set(gallery.open(again).why_no_redo.values()) == {RedoObstacle.SHARED_LINK}


def test_what_others_save_is_not_fetched_by_the_customer(shop: InMemoryShop) -> None:
    order_id, token = delivered(shop)
    delivery = shop.downloads.find(share(shop, token))
    shop.downloads.record_download(delivery, CLIENT, uuid4())
    order = shop.order(order_id)
    assert e.ResultDownloaded not in kinds(shop, order_id)
    assert e.ResultServed in kinds(shop, order_id)
    assert not order.is_fetched
    link = order.newest_link
    assert link is not None
    shop.clock.advance(days=28)
    assert shop.link_reminders.remind() == 1
    assert EmailKind.REMINDER in {email.kind for email in shop.order(order_id).emails.values()}


def test_others_see_a_new_attempt_as_the_customer_does(shop: InMemoryShop) -> None:
    order_id, token = delivered(shop)
    shared = share(shop, token)
    (image_id,) = shop.order(order_id).images
    shop.customer_requests.redo(token, image_id, uuid4())
    shop.live(order_id)
    newest = shop.order(order_id).newest_link
    assert newest is not None
    assert shop.downloads.find(shared).content == newest.archive
    assert newest.archive != shop.downloads.open(token)[1].archive


def test_links_for_others_are_limited_and_leave_the_customers_own_limit_alone(shop: InMemoryShop) -> None:
    order_id, token = delivered(shop)
    for _ in range(20):
        share(shop, token)
        shop.shared_links.take_back(token, uuid4())
    with pytest.raises(AskedTooOftenError):
        share(shop, token)
    shop.clock.advance(days=31)
    shop.customer_requests.renew_link(token, uuid4())
    newest = shop.order(order_id).newest_link
    assert newest is not None
    assert newest.expires_at > shop.clock.now() + timedelta(days=20)
