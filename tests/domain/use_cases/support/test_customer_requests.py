"""Customers request mails, links and redos, within limits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.order import events as e
from domain.order.deterministic_ids import email_id_of
from domain.order.errors import AskedTooOftenError, NothingToSendError, RedoRefusedError, UnknownImageError
from domain.order.values import (
    EmailKind,
    FailureReason,
    HoldReason,
    ImageId,
    Money,
    OrderId,
    RedoObstacle,
    RefundReason,
)
from domain.use_cases.delivery.downloads import LinkExpiredError, LinkRevokedError, UnknownLinkError
from tests.domain.support.assertions import kinds, sent
from tests.domain.support.orders import delivered, propose
from tests.doubles.container import POLICY, InMemoryShop

DISPUTE = e.DisputeOpened(dispute_id="dp_1", amount=Money(amount=100, currency="EUR"), reason="fraudulent")


def token(shop: InMemoryShop, order_id: OrderId, link: int = -1) -> str:
    return shop.token_signer.download_token(list(shop.order(order_id).links)[link])


def image(shop: InMemoryShop, order_id: OrderId, number: int = 1) -> ImageId:
    return list(shop.order(order_id).images)[number - 1]


def resend(shop: InMemoryShop, order_id: OrderId) -> None:
    shop.customer_requests.resend(order_id, shop.ids.new())
    shop.work()


def renew(shop: InMemoryShop, given: str) -> None:
    shop.customer_requests.renew_link(given, shop.ids.new())
    shop.work()


def redo(shop: InMemoryShop, order_id: OrderId, number: int = 1) -> None:
    shop.customer_requests.redo(token(shop, order_id), image(shop, order_id, number), shop.ids.new())


def new_links(shop: InMemoryShop, order_id: OrderId) -> int:
    return kinds(shop, order_id).count(e.DownloadLinkIssued)


# Resending a mail.


def test_a_resent_mail_shows_the_orders_current_state(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.clock.advance(minutes=5)
    resend(shop, order_id)
    assert sent(shop) == ["confirmation", "confirmation"]
    shop.live(order_id, hours=0.2)
    resend(shop, order_id)
    assert sent(shop) == ["confirmation", "confirmation", "result", "result"]


def test_a_mail_that_is_on_its_way_is_not_doubled(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    for _ in range(3):
        shop.customer_requests.resend(order_id, shop.ids.new())
    shop.work()
    assert sent(shop) == ["confirmation"]
    assert e.EmailRequested not in kinds(shop, order_id)


def test_a_mail_is_asked_for_again_after_a_pause_and_so_many_times_in_all(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    for _ in range(5):
        shop.clock.advance(minutes=5)
        resend(shop, order_id)
        shop.clock.advance(minutes=4)
        with pytest.raises(AskedTooOftenError) as refusal:
            resend(shop, order_id)
    assert refusal.value.wait is None
    shop.clock.advance(days=1)
    with pytest.raises(AskedTooOftenError):
        resend(shop, order_id)
    assert sent(shop).count("result") == 1 + 5


def test_what_has_just_gone_out_by_itself_is_waited_for(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.clock.advance(minutes=2)
    with pytest.raises(AskedTooOftenError, match="ask again in 4 minutes") as refusal:
        resend(shop, order_id)
    assert refusal.value.wait == timedelta(minutes=3)


def test_what_a_person_has_sent_is_not_on_the_customers_account(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    for number in range(2, 7):
        email_id = email_id_of(order_id, EmailKind.RESULT, number)
        propose(shop, order_id, e.EmailRequested(email_id=email_id, kind=EmailKind.RESULT))
    shop.clock.advance(minutes=5)
    resend(shop, order_id)
    assert sent(shop).count("result") == 1 + 5 + 1


def test_nothing_with_a_link_is_sent_while_a_person_or_a_bank_is_looking(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    shop.clock.advance(minutes=5)
    propose(shop, order_id, e.OrderHeld(reason=HoldReason.REQUESTED))
    with pytest.raises(NothingToSendError, match="on hold"):
        resend(shop, order_id)
    propose(shop, order_id, e.OrderReleased(), DISPUTE)
    with pytest.raises(NothingToSendError, match="disputed"):
        resend(shop, order_id)


def test_a_mail_about_photos_that_are_gone_is_not_sent(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    propose(shop, order_id, e.PhotosPurged())
    shop.clock.advance(minutes=5)
    with pytest.raises(NothingToSendError):
        resend(shop, order_id)
    propose(shop, order_id, e.OrderErased())
    with pytest.raises(NothingToSendError):
        resend(shop, order_id)


def test_a_result_whose_link_has_run_out_is_sent_again_with_a_new_one(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    shop.clock.advance(days=31)
    resend(shop, order_id)
    assert sent(shop)[-1] == "new_link"
    shop.downloads.find(token(shop, order_id))


# Renewing a link.


def test_an_expired_link_brings_a_new_one_to_the_address_on_file(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    old = token(shop, order_id)
    shop.clock.advance(days=31)
    renew(shop, old)
    mail = list(shop.mailer.mailbox.values())[-1]
    assert (mail.content.subject, mail.to) == ("new_link", "ada@customer.example")
    new = token(shop, order_id)
    assert new in mail.content.html
    shop.downloads.find(new)
    with pytest.raises(LinkExpiredError):
        shop.downloads.find(old)


def test_a_link_that_is_good_is_sent_again_and_not_replaced(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    old = token(shop, order_id)
    shop.clock.advance(days=31)
    for _ in range(5):
        renew(shop, old)
    assert (new_links(shop, order_id), sent(shop).count("new_link")) == (1, 1)
    shop.clock.advance(minutes=5)
    renew(shop, old)
    assert (new_links(shop, order_id), sent(shop).count("new_link")) == (1, 2)


def test_there_are_so_many_new_links_and_no_more(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    for _ in range(7):
        shop.clock.advance(days=31)
        renew(shop, token(shop, order_id))
    assert new_links(shop, order_id) == 5


@pytest.mark.parametrize("end", ["purged", "erased", "refunded", "held"])
def test_nothing_is_renewed_or_revealed_without_a_renewable_link(shop: InMemoryShop, end: str) -> None:
    order_id = delivered(shop)
    refund = e.RefundRequested(
        refund_id=shop.ids.new(),  # type: ignore[arg-type]
        amount=Money(amount=490, currency="EUR"),
        reason=RefundReason.REQUESTED,
        image_ids=(),
    )
    ends: dict[str, e.Event] = {
        "purged": e.PhotosPurged(),
        "erased": e.OrderErased(),
        "refunded": refund,
        "held": e.OrderHeld(reason=HoldReason.REQUESTED),
    }
    propose(shop, order_id, ends[end])
    shop.clock.advance(days=31)
    before = kinds(shop, order_id)
    renew(shop, token(shop, order_id))
    assert kinds(shop, order_id) == before


def test_an_unknown_token_renews_nothing(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    before = kinds(shop, order_id)
    renew(shop, "guessed")
    assert kinds(shop, order_id) == before


def test_a_revoked_link_renews_nothing(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    first = shop.order(order_id)
    propose(shop, order_id, shop.downloads.new_link(first))
    propose(shop, order_id, e.DownloadLinkRevoked(link_id=next(iter(first.links))))
    shop.clock.advance(days=31)
    before = kinds(shop, order_id)
    with pytest.raises(LinkRevokedError):
        shop.downloads.find(token(shop, order_id, 0))
    renew(shop, token(shop, order_id, 0))
    assert kinds(shop, order_id) == before


# Another attempt.


def test_another_attempt_keeps_the_first_result_beside_the_new_one(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    redo(shop, order_id)
    shop.work()
    shop.end_predictions(b"restored again")
    shop.work()
    given, key = token(shop, order_id), image(shop, order_id)
    newest, first = (shop.downloads.find(given, key, earlier=number) for number in (0, 1))
    assert shop.storage.objects[newest.content.key].startswith(b"restored again")
    assert not shop.storage.objects[first.content.key].startswith(b"restored again")
    assert (newest.file_name, first.file_name) == (
        "great-aunt-1-restored.png",
        "1-great-aunt-1-restored.png",
    )
    for number in (2, -1):
        with pytest.raises(UnknownLinkError):
            shop.downloads.find(given, key, earlier=number)


def test_two_requests_at_once_count_as_one(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    for _ in range(3):
        redo(shop, order_id)
    assert kinds(shop, order_id).count(e.RedoRequested) == 1


def test_each_photo_is_tried_once_more_and_no_other(shop: InMemoryShop) -> None:
    order_id = delivered(shop, b"wedding", b"harvest")
    redo(shop, order_id, 2)
    shop.live(order_id, hours=0.2)
    album = shop.photo_galleries.open(token(shop, order_id))
    assert album.why_no_redo == {image(shop, order_id, 2): RedoObstacle.USED_UP}
    with pytest.raises(RedoRefusedError, match=RedoObstacle.USED_UP):
        redo(shop, order_id, 2)
    redo(shop, order_id, 1)
    assert kinds(shop, order_id).count(e.RedoRequested) == 2


def test_the_time_to_ask_begins_when_the_result_is_sent_and_ends(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    until = shop.photo_galleries.open(token(shop, order_id)).redo_until
    assert until is not None
    with shop.unit_of_work.transaction() as transaction:
        result = next(
            recorded.recorded_at
            for recorded in transaction.event_store.history(order_id)
            if isinstance(recorded.event, e.EmailSent) and recorded.event.kind.brings_a_link
        )
    assert until == result + POLICY.delivery.redo_within
    shop.clock.advance(seconds=(until - shop.clock.now()).total_seconds())
    with pytest.raises(RedoRefusedError, match=RedoObstacle.TOO_LATE):
        redo(shop, order_id)
    shop.clock.advance(seconds=-1)
    redo(shop, order_id)


def test_a_result_that_came_back_has_not_begun_the_time_to_ask(shop: InMemoryShop) -> None:
    order_id = delivered(shop)
    result = email_id_of(order_id, EmailKind.RESULT)
    propose(shop, order_id, e.EmailBounced(email_id=result, kind=EmailKind.RESULT, reason="bounce"))
    assert shop.photo_galleries.open(token(shop, order_id)).redo_until is None
    shop.clock.advance(days=10)
    propose(shop, order_id, e.OrderReleased())
    assert (
        shop.photo_galleries.open(token(shop, order_id)).redo_until
        == shop.clock.now() + POLICY.delivery.redo_within
    )


def test_a_shop_that_makes_no_further_attempts_makes_none() -> None:
    shop = InMemoryShop(replace(POLICY, delivery=replace(POLICY.delivery, redo_within=timedelta(0))))
    order_id = delivered(shop)
    with pytest.raises(RedoRefusedError):
        redo(shop, order_id)


@pytest.mark.parametrize(
    ("proposed", "why"),
    [
        (e.OrderHeld(reason=HoldReason.REQUESTED), RedoObstacle.ORDER_HELD),
        (DISPUTE, RedoObstacle.DISPUTED),
    ],
)
def test_no_attempt_is_made_while_a_person_or_a_bank_is_looking(
    shop: InMemoryShop, proposed: e.Event, why: RedoObstacle
) -> None:
    order_id = delivered(shop)
    propose(shop, order_id, proposed)
    with pytest.raises(RedoRefusedError, match=why):
        redo(shop, order_id)


def test_a_photo_that_could_not_be_restored_is_not_tried_once_more(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.work()
    first, second = shop.restorer.works
    shop.restorer.succeed(first, b"restored")
    shop.restorer.fail(second, FailureReason.REFUSED_INPUT)
    shop.post_prediction(first)
    shop.post_prediction(second)
    shop.live(order_id, hours=0.2)
    (failed,) = shop.order(order_id).failed_images
    assert shop.photo_galleries.open(token(shop, order_id)).why_no_redo == {
        failed.image_id: RedoObstacle.NOT_RESTORED
    }


def test_a_token_has_no_photo_of_another_order_tried_again(shop: InMemoryShop) -> None:
    ours, theirs = delivered(shop), delivered(shop)
    with pytest.raises(UnknownImageError):
        shop.customer_requests.redo(token(shop, ours), image(shop, theirs), shop.ids.new())
    with pytest.raises(UnknownLinkError):
        shop.customer_requests.redo("guessed", image(shop, ours), shop.ids.new())
    shop.clock.advance(days=31)
    with pytest.raises(LinkExpiredError):
        redo(shop, ours)
    assert e.RedoRequested not in kinds(shop, ours) + kinds(shop, theirs)
