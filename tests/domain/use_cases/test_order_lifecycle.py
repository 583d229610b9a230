"""One order from upload to mail, on production services and doubles."""

import io

import pytest

from domain.order import events as e
from domain.order.states import State
from domain.order.values import EmailKind
from domain.ports.errors import UnreadableImageError
from domain.use_cases.checkout.uploads import UploadSessionClosedError
from domain.use_cases.delivery.downloads import LinkExpiredError, UnknownLinkError
from domain.use_cases.order_transaction import Cause
from tests.domain.support.assertions import kinds, sent
from tests.domain.support.event_builders import PHONE, SCANNER
from tests.doubles.container import InMemoryShop
from tests.doubles.email import token_in


def test_two_photos_go_from_upload_to_inbox(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.work()
    shop.end_predictions()
    shop.work()
    order = shop.order(order_id)
    assert order.state is State.COMPLETED
    assert sent(shop) == ["confirmation", "result"]
    assert kinds(shop, order_id)[0] is e.PaymentReceived
    assert {e.ImagesMoved, e.RestorationStarted, e.RestorationCompleted, e.DownloadPrepared} <= set(
        kinds(shop, order_id)
    )
    assert not shop.reaction_runner.resend_due()


def test_letters_are_written_for_the_customers_own_locale(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    shop.work()
    (confirmation,) = shop.mailer.mailbox.values()
    assert "locale='en'" in confirmation.content.html


def test_the_link_in_the_mail_opens_the_archive_and_each_image(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.live(order_id, hours=0.1)
    token = token_in(list(shop.mailer.mailbox.values())[-1].content) or ""
    archive = shop.downloads.find(token)
    assert archive.file_name.endswith(".zip")
    image_ids = list(shop.order(order_id).images)
    assert [shop.downloads.find(token, image).file_name for image in image_ids] == [
        "great-aunt-1-restored.png",
        "great-aunt-2-restored.png",
    ]
    for _ in range(2):
        shop.downloads.record_served(shop.downloads.find(token), SCANNER, shop.ids.new())
        shop.downloads.record_download(shop.downloads.find(token), PHONE, shop.ids.new())
    assert kinds(shop, order_id).count(e.ResultServed) == 1
    assert kinds(shop, order_id).count(e.ResultDownloaded) == 1


def test_a_token_opens_no_other_order_and_not_for_ever(shop: InMemoryShop) -> None:
    ours, theirs = (shop.pay(shop.upload(b"photo")) for _ in range(2))
    shop.live(ours, hours=0.1)
    mails = [
        mail
        for mail in shop.mailer.mailbox.values()
        if mail.order_id == ours and "download" in mail.content.text
    ]
    token = token_in(mails[0].content) or ""
    with pytest.raises(UnknownLinkError):
        shop.downloads.find(token, next(iter(shop.order(theirs).images)))
    with pytest.raises(UnknownLinkError):
        shop.downloads.find(token[:-1] + ("A" if token[-1] != "A" else "B"))
    shop.clock.advance(days=31)
    with pytest.raises(LinkExpiredError):
        shop.downloads.find(token)


def test_a_photo_that_cannot_be_read_is_refused_and_the_session_goes_on(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    with pytest.raises(UnreadableImageError):
        shop.upload_service.add(session_id, "letter.doc", io.BytesIO(b"broken"), 6)
    assert len(shop.upload_service.find(session_id).photos) == 1


def test_photos_are_fixed_once_their_price_is_quoted(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    shop.checkout_service.open(session_id, email=None)
    with pytest.raises(UploadSessionClosedError):
        shop.upload_service.check_can_add(session_id)


def test_only_one_confirmation_is_owed_however_often_it_is_asked_for(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    order = shop.live(order_id)
    assert [email.kind for email in order.emails.values()] == [EmailKind.CONFIRMATION, EmailKind.RESULT]


def test_an_erased_orders_link_opens_nothing(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    token = token_in(list(shop.mailer.mailbox.values())[-1].content) or ""
    cause = Cause(name="cli", key="erase-1", actor="person:grace", correlation_id=order_id)
    shop.command_handler.handle(order_id, [e.OrderErased()], cause)
    with pytest.raises(LinkExpiredError):
        shop.downloads.find(token)
