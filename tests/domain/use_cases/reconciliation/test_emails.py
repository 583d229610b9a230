"""SendGrid's mails against those of the log."""

import pytest

from domain.order.email import EmailStatus
from domain.order.states import State
from domain.order.values import OrderId
from tests.domain.support.reconciliation_runs import compare, found, only
from tests.doubles.container import InMemoryShop


@pytest.fixture
def order_id(shop: InMemoryShop) -> OrderId:
    """A completed order, with two mails."""
    order_id = shop.pay(shop.upload(b"wedding"))
    assert shop.live(order_id).state is State.COMPLETED
    return order_id


def test_a_sent_mail_unknown_to_the_provider_is_reported(shop: InMemoryShop, order_id: OrderId) -> None:
    lost = shop.mailer.mailbox.pop("message-1")
    finding = only(compare(shop, repairs=True))
    assert (finding.what, finding.subject, finding.order_id) == (
        "mail_unknown_there",
        str(lost.email_id),
        order_id,
    )


def test_a_mail_that_was_sent_just_now_may_be_unknown_there(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    shop.work()
    shop.mailer.mailbox.clear()
    assert compare(shop).agrees


def test_a_mail_older_than_sendgrids_memory_is_not_missed(shop: InMemoryShop, order_id: OrderId) -> None:
    del order_id
    shop.mailer.mailbox.clear()
    shop.clock.advance(days=29, hours=12)
    assert compare(shop).agrees


def test_a_bounced_mail_is_reported_and_recorded(shop: InMemoryShop, order_id: OrderId) -> None:
    shop.email_listing.undeliverable.add("message-2")
    assert found(compare(shop)) == ["mail_came_back"]
    assert [finding.is_repaired for finding in compare(shop, repairs=True).findings] == [True]
    assert EmailStatus.BOUNCED in {mail.status for mail in shop.order(order_id).emails.values()}
    assert "mail_came_back" not in found(compare(shop))


def test_a_mail_that_came_back_just_now_is_on_its_way_into_the_log(
    shop: InMemoryShop, order_id: OrderId
) -> None:
    del order_id
    shop.email_listing.undeliverable.add("message-2")
    shop.mailer.accepted_at["message-2"] = shop.clock.now()
    assert compare(shop).agrees


def test_a_mail_whose_reply_was_lost_and_that_is_known_there_counts_as_sent(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.mailer.fault_injector.lose_reply("send")
    shop.work()
    (email,) = shop.order(order_id).emails.values()
    assert email.status is EmailStatus.UNCONFIRMED
    assert compare(shop).agrees, "a report about it may be on its way"
    shop.clock.advance(hours=2)
    named = [each for each in compare(shop, repairs=True).findings if each.what == "mail_is_known_there"]
    assert [finding.is_repaired for finding in named] == [True]
    (email,) = shop.order(order_id).emails.values()
    assert (email.status, email.message_id) == (EmailStatus.SENT, "message-1")
    assert len(shop.mailer.mailbox) == 1


def test_a_mail_unknown_to_log_and_provider_waits_for_its_resend(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"wedding"))
    shop.mailer.fault_injector.lose_reply("send")
    shop.work()
    shop.mailer.mailbox.clear()
    shop.clock.advance(hours=2)
    assert not [what for what in found(compare(shop)) if what.startswith("mail_")]
