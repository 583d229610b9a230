"""A database restored from a backup is detected and repaired.

Nothing is refunded or issued twice.
"""

import copy
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from domain.order import events as e
from domain.order.states import State
from domain.order.values import Money, OrderId
from domain.ports.errors import DatabaseBehindError, UnavailableError
from domain.ports.provider_listings import UnreadableEntry
from domain.ports.upload_sessions import Checkout
from domain.unmatched_payment import UnmatchedStatus
from domain.use_cases.delivery.downloads import LinkRevokedError
from domain.use_cases.reconciliation.findings import FindingCode
from domain.use_cases.recovery import mailed_links
from domain.use_cases.recovery.mailed_links import MailedLinks
from domain.use_cases.recovery.restored_database import Recovery
from domain.use_cases.support.staff_requests import StaffRequest
from tests.contracts.unreadable_events import DAMAGES, Damage, spoil_in_memory
from tests.domain.support.assertions import kinds
from tests.doubles.container import InMemoryShop


class Backup:
    """A copy of a shop's tables."""

    def __init__(self, shop: InMemoryShop) -> None:
        pages = shop.own_unit_of_work.pages
        self._tables = {name: copy.copy(table) for name, table in vars(pages).items()}

    def restore(self, shop: InMemoryShop) -> None:
        """Restore the tables; later changes are lost."""
        shop.own_unit_of_work.pages.__dict__.update(
            {name: copy.copy(table) for name, table in self._tables.items()}
        )
        shop.queue.waiting.clear()
        shop.clock.advance(minutes=1)


def number_of(shop: InMemoryShop, order_id: OrderId) -> str:
    payment = shop.order(order_id).payment
    assert payment is not None
    return payment.order_number


def lose(shop: InMemoryShop, *photos: bytes) -> OrderId:
    """Sell and deliver an order, then lose it with its database."""
    shop.pay(shop.upload(b"before the backup"))
    backup = Backup(shop)
    order_id = shop.pay(shop.upload(*photos))
    assert shop.live(order_id).state is State.COMPLETED
    shop.log_heads.write()
    backup.restore(shop)
    return order_id


def test_a_database_with_the_newest_event_is_current(shop: InMemoryShop) -> None:
    shop.log_heads.check()
    assert shop.log_heads.write() is None, "an empty log has no head"
    shop.pay(shop.upload(b"wedding"))
    head = shop.log_heads.write()
    assert head is not None
    assert head == shop.log_heads.newest()
    shop.clock.advance(minutes=1)
    shop.log_heads.check()
    assert shop.log_heads.write() is None, "nothing was recorded since"
    assert shop.restored_database.recover() is None


def test_of_many_heads_a_few_stay_and_the_newest_counts(shop: InMemoryShop) -> None:
    for _ in range(6):
        shop.pay(shop.upload(b"wedding"))
        newest = shop.log_heads.write()
    assert len(list(shop.storage.keys("log/heads/"))) == 3
    assert shop.log_heads.newest() == newest


def test_a_database_that_lacks_the_newest_event_is_behind_and_writes_no_head(shop: InMemoryShop) -> None:
    lose(shop, b"wedding")
    with pytest.raises(DatabaseBehindError):
        shop.log_heads.check()
    newest = shop.log_heads.newest()
    shop.pay(shop.upload(b"after the restore"))
    with pytest.raises(DatabaseBehindError):
        shop.log_heads.write()
    assert shop.log_heads.newest() == newest


def test_an_answer_is_cached_for_a_while_and_as_long_as_the_storage_is_unavailable(
    shop: InMemoryShop,
) -> None:
    unavailable = UnavailableError("The storage double", "away")
    shop.storage.fault_injector.fail("keys", unavailable)
    with pytest.raises(UnavailableError):
        shop.log_heads.check()
    shop.log_heads.check()
    calls = len(shop.storage.fault_injector.calls)
    shop.log_heads.check()
    assert len(shop.storage.fault_injector.calls) == calls
    shop.clock.advance(minutes=1)
    shop.storage.fault_injector.fail("keys", unavailable)
    shop.log_heads.check()


def test_two_shops_in_one_bucket_have_heads_of_their_own(shop: InMemoryShop) -> None:
    other = InMemoryShop(secret_key=b"the key of another shop in the bucket")
    other.storage = shop.storage
    other.wire(other.payments)
    shop.pay(shop.upload(b"wedding"))
    shop.log_heads.write()
    other.log_heads.check()
    assert other.log_heads.newest() is None


def test_order_numbers_that_may_have_been_given_are_never_given_again(shop: InMemoryShop) -> None:
    backup = Backup(shop)
    given = [number_of(shop, shop.pay(shop.upload(b"wedding"))) for _ in range(3)]
    shop.log_heads.write()
    given += [number_of(shop, shop.pay(shop.upload(b"after the head"))) for _ in range(2)]
    backup.restore(shop)
    recovery = shop.restored_database.recover()
    assert recovery is not None
    later = number_of(shop, shop.pay(shop.upload(b"after the restore")))
    assert later not in given
    assert later > max(given)


def test_afterwards_the_shop_goes_on_and_a_repeat_does_nothing(shop: InMemoryShop) -> None:
    lose(shop, b"wedding")
    assert shop.restored_database.recover() is not None
    shop.log_heads.check()
    assert shop.restored_database.recover() is None


def test_an_empty_database_is_recovered_too(shop: InMemoryShop) -> None:
    backup = Backup(shop)
    shop.pay(shop.upload(b"wedding"))
    shop.log_heads.write()
    shop.payments.states.clear()
    backup.restore(shop)
    with pytest.raises(DatabaseBehindError):
        shop.log_heads.check()
    assert shop.restored_database.recover() is not None
    shop.log_heads.check()


def test_a_comparison_of_a_database_that_is_behind_refunds_no_delivered_order(shop: InMemoryShop) -> None:
    lose(shop, b"wedding")
    shop.reconciliation.compare(shop.clock.now() - timedelta(days=30), repairs=True)
    shop.clock.advance(days=30)
    assert shop.unmatched_payment_service.refund_due() == 0
    (held,) = shop.own_unit_of_work.pages.unmatched.values()
    assert (held.is_held, held.status) == (True, UnmatchedStatus.OPEN)


def test_a_delivered_order_is_rebuilt_with_its_number_its_photos_and_its_link(shop: InMemoryShop) -> None:
    backup = Backup(shop)
    shop.pay(shop.upload(b"another order first"))
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    before = shop.live(order_id)
    assert before.newest_link is not None
    token = shop.token_signer.download_token(before.newest_link.link_id)
    mails, predictions = len(shop.mailer.mailbox), len(shop.restorer.works)
    number = number_of(shop, order_id)
    shop.log_heads.write()
    backup.restore(shop)
    recovery = shop.restored_database.recover()
    assert recovery is not None
    assert order_id in recovery.rebuilt
    assert recovery.held == ()
    after = shop.live(order_id)
    assert after.state is State.COMPLETED
    assert number_of(shop, order_id) == number
    assert [image.results for image in after.images.values()] == [
        image.results for image in before.images.values()
    ]
    assert shop.downloads.find(token).content == before.newest_link.archive
    assert len(shop.mailer.mailbox) == mails, "the provider knows every mail"
    assert len(shop.restorer.works) == predictions, "what was restored is not restored again"
    assert shop.payments.payments
    assert all(payment.left == payment.paid.amount for payment in shop.payments.payments.values())
    with shop.unit_of_work.transaction() as transaction:
        history = transaction.event_store.history(order_id)
    assert {recorded.actor for recorded in history} >= {"restore"}


def test_file_names_come_back_with_the_photos(shop: InMemoryShop) -> None:
    backup = Backup(shop)
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    shop.log_heads.write()
    backup.restore(shop)
    shop.restored_database.recover()
    with shop.unit_of_work.transaction() as transaction:
        assert list(transaction.upload_sessions.file_names(order_id).values()) == ["great-aunt-1.jpg"]


def test_mails_that_cannot_be_looked_up_count_as_unconfirmed_and_are_sent_once_more(
    shop: InMemoryShop,
) -> None:
    backup = Backup(shop)
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    mails = len(shop.mailer.mailbox)
    shop.log_heads.write()
    backup.restore(shop)
    shop.email_listing.is_closed = True
    shop.restored_database.recover()
    assert kinds(shop, order_id).count(e.EmailUnconfirmed) == 2
    assert len(shop.mailer.mailbox) == mails
    assert shop.live(order_id, hours=30).state is State.COMPLETED
    assert len(shop.mailer.mailbox) == 2 * mails


def test_an_order_that_went_on_after_the_backup_is_brought_forward(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.work()
    backup = Backup(shop)
    before = shop.live(order_id)
    predictions = len(shop.restorer.works)
    shop.log_heads.write()
    backup.restore(shop)
    recovery = shop.restored_database.recover()
    assert recovery is not None
    assert recovery.advanced == (order_id,)
    after = shop.live(order_id)
    assert after.state is State.COMPLETED
    assert after.restored_images[0].results == before.restored_images[0].results
    assert len(shop.restorer.works) == predictions


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_an_order_that_cannot_be_read_stops_no_other(shop: InMemoryShop, damage: Damage) -> None:
    spoiled, advanced = shop.pay(shop.upload(b"wedding")), shop.pay(shop.upload(b"harvest"))
    shop.work()
    backup = Backup(shop)
    assert shop.live(advanced).state is State.COMPLETED
    lost = shop.pay(shop.upload(b"christening"))
    assert shop.live(lost).state is State.COMPLETED
    shop.log_heads.write()
    backup.restore(shop)
    number = number_of(shop, spoiled)
    spoil_in_memory(shop.own_unit_of_work, spoiled, damage)
    objects = set(shop.storage.objects)
    recovery = shop.restored_database.recover()
    assert recovery is not None
    assert (recovery.rebuilt, recovery.advanced) == ((lost,), (advanced, lost))
    assert [each.order_id for each in recovery.remaining if each.what is FindingCode.STREAM_BROKEN] == [
        spoiled
    ]
    assert recovery.numbers[spoiled] == number
    assert {key for key in objects if str(spoiled) in key} <= set(shop.storage.objects)
    shop.log_heads.check()


def test_a_listed_payment_that_cannot_be_read_stops_no_other(shop: InMemoryShop) -> None:
    order_id = lose(shop, b"wedding")
    shop.payment_listing.garbled = [
        UnreadableEntry(provider="The double", kind="checkout", entry_id="cs_9", detail="no status")
    ]
    recovery = shop.restored_database.recover()
    assert recovery is not None
    assert recovery.rebuilt == (order_id,)
    assert [each.subject for each in recovery.remaining] == ["cs_9"]
    assert recovery.numbers_skipped_to == {"2026-03-14": 4}, "it may have had an order number"


def test_a_payment_whose_photos_are_not_all_there_is_held(shop: InMemoryShop) -> None:
    backup = Backup(shop)
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.work()
    (first, _) = shop.order(order_id).images
    shop.storage.delete([key for key in list(shop.storage.objects) if key.endswith(str(first))])
    shop.log_heads.write()
    backup.restore(shop)
    recovery = shop.restored_database.recover()
    assert recovery is not None
    assert recovery.rebuilt == ()
    (held,) = recovery.held
    assert held.is_held
    assert not shop.events(order_id)


def test_a_session_that_was_open_at_the_backup_gets_the_photos_that_came_later(shop: InMemoryShop) -> None:
    session_id = shop.upload(b"wedding")
    backup = Backup(shop)
    shop.add(session_id, b"harvest")
    order_id = shop.pay(session_id)
    shop.log_heads.write()
    backup.restore(shop)
    recovery = shop.restored_database.recover()
    assert recovery is not None
    assert recovery.rebuilt == (order_id,)
    order = shop.order(order_id)
    assert (len(order.images), order.is_held) == (2, False)


def test_a_refund_since_the_backup_is_on_record_again_and_not_made_twice(shop: InMemoryShop) -> None:
    backup = Backup(shop)
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    payment = shop.order(order_id).payment
    assert payment is not None
    assert payment.payment_intent_id is not None
    shop.payments.refund_by_hand(payment.payment_intent_id, 100)
    shop.log_heads.write()
    backup.restore(shop)
    shop.clock.advance(hours=2)
    shop.restored_database.recover()
    assert shop.order(order_id).refunded_amount == 100


def test_an_order_whose_photos_were_erased_since_the_backup_is_held_and_never_refunded(
    shop: InMemoryShop,
) -> None:
    session_id = shop.upload(b"wedding")
    backup = Backup(shop)
    order_id = shop.pay(session_id)
    shop.live(order_id)
    shop.storage.delete([key for key in list(shop.storage.objects) if not key.startswith("log/")])
    shop.log_heads.write()
    backup.restore(shop)
    recovery = shop.restored_database.recover()
    assert recovery is not None
    assert [each.is_held for each in recovery.held] == [True]
    shop.clock.advance(days=30)
    assert shop.unmatched_payment_service.refund_due() == 0
    assert not shop.events(order_id)


BY = StaffRequest(actor="person:ada", reason="The first one went to the wrong person.")


def newest_token(shop: InMemoryShop, order_id: OrderId) -> str:
    link = shop.order(order_id).newest_link
    assert link is not None
    return shop.token_signer.download_token(link.link_id)


def forget_link_ids(shop: InMemoryShop) -> None:
    """Change the e-mails sent as if an earlier version had sent them."""
    for message_id, mail in shop.mailer.mailbox.items():
        shop.mailer.mailbox[message_id] = replace(mail, link_id=None)


def recovered(shop: InMemoryShop, backup: Backup) -> Recovery:
    shop.log_heads.write()
    backup.restore(shop)
    shop.clock.advance(hours=2)
    recovery = shop.restored_database.recover()
    assert recovery is not None
    return recovery


def completed_long_ago(shop: InMemoryShop) -> OrderId:
    """Deliver an order, and another when its link has expired."""
    order_id = shop.pay(shop.upload(b"wedding"))
    assert shop.live(order_id).state is State.COMPLETED
    shop.clock.advance(days=31)
    shop.live(shop.pay(shop.upload(b"a month later")))
    return order_id


@pytest.mark.parametrize("revokes_others", [True, False])
def test_a_link_that_staff_sent_since_opens_and_reopened_ones_are_listed(
    shop: InMemoryShop, *, revokes_others: bool
) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    assert shop.live(order_id).state is State.COMPLETED
    backup, first = Backup(shop), newest_token(shop, order_id)
    shop.staff_actions.renew_link(order_id, BY, revokes_others=revokes_others)
    shop.live(order_id)
    token, mails = newest_token(shop, order_id), len(shop.mailer.mailbox)
    recovery = recovered(shop, backup)
    assert shop.downloads.find(token).order_id == order_id
    assert (recovery.mailed_links.relinked, recovery.mailed_links.reopened) == ((order_id,), (order_id,))
    assert recovery.mailed_links.needs_staff
    assert recovery.mailed_links.unknown_emails == ()
    assert recovery.numbers[order_id] == number_of(shop, order_id)
    shop.staff_actions.revoke_links(order_id, BY)
    with pytest.raises(LinkRevokedError):
        shop.downloads.find(first)
    assert shop.downloads.find(token).order_id == order_id
    shop.live(order_id)
    assert len(shop.mailer.mailbox) == mails, "no e-mail is sent twice"


@pytest.mark.parametrize("names_links", [True, False])
def test_a_link_that_a_customer_renewed_since_opens(shop: InMemoryShop, *, names_links: bool) -> None:
    order_id = completed_long_ago(shop)
    backup = Backup(shop)
    shop.customer_requests.renew_link(newest_token(shop, order_id), uuid4())
    shop.live(order_id)
    token, mails = newest_token(shop, order_id), len(shop.mailer.mailbox)
    promised = shop.order(order_id).newest_link
    if not names_links:
        forget_link_ids(shop)
    recovery = recovered(shop, backup)
    delivery = shop.downloads.find(token)
    assert promised is not None
    assert delivery.link.expires_at >= promised.expires_at
    assert (recovery.mailed_links.relinked, recovery.mailed_links.needs_staff) == ((order_id,), False)
    shop.live(order_id)
    assert len(shop.mailer.mailbox) == mails


def test_a_link_sent_for_a_lost_order_opens(shop: InMemoryShop) -> None:
    backup = Backup(shop)
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    shop.staff_actions.renew_link(order_id, BY, revokes_others=True)
    shop.live(order_id)
    token = newest_token(shop, order_id)
    recovery = recovered(shop, backup)
    assert recovery.rebuilt == (order_id,)
    assert shop.downloads.find(token).order_id == order_id
    assert recovery.mailed_links == MailedLinks(relinked=(order_id,), reopened=(order_id,))


@pytest.mark.parametrize("is_lost", [True, False])
def test_links_that_may_have_been_withdrawn_before_a_redo_are_listed(
    shop: InMemoryShop, *, is_lost: bool
) -> None:
    backup = Backup(shop)
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    if not is_lost:
        backup = Backup(shop)
    shop.staff_actions.renew_link(order_id, BY, revokes_others=True)
    shop.live(order_id)
    redo(shop, order_id, 1)
    shop.live(order_id)
    token = newest_token(shop, order_id)
    recovery = recovered(shop, backup)
    assert shop.downloads.find(token).order_id == order_id
    assert len(shop.order(order_id).links) == 3
    assert recovery.mailed_links == MailedLinks(relinked=(order_id,), reopened=(order_id,))


def test_several_links_since_all_open(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    backup, tokens = Backup(shop), []
    for _ in range(5):
        shop.staff_actions.renew_link(order_id, BY, revokes_others=False)
        shop.live(order_id)
        tokens.append(newest_token(shop, order_id))
    recovery = recovered(shop, backup)
    assert {shop.downloads.find(token).order_id for token in tokens} == {order_id}
    assert recovery.mailed_links.unknown_emails == ()
    assert len(shop.order(order_id).links) == 6


def test_an_email_that_may_have_brought_a_link_is_listed_and_nothing_is_recorded(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    backup = Backup(shop)
    shop.staff_actions.renew_link(order_id, BY, revokes_others=True)
    shop.live(order_id)
    forget_link_ids(shop)
    before = shop.order(order_id)
    recovery = recovered(shop, backup)
    (listed,) = recovery.mailed_links.unknown_emails
    assert listed.message_id in {each.message_id for each in before.emails.values()}
    assert listed.order_ids == (order_id,)
    assert len(shop.order(order_id).links) == 1


def test_an_email_that_repeats_a_known_link_is_on_record_again(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    backup = Backup(shop)
    shop.staff_actions.resend(order_id, BY)
    before = shop.live(order_id)
    recovery = recovered(shop, backup)
    assert recovery.mailed_links == MailedLinks()
    after = shop.order(order_id)
    assert (after.emails, after.links) == (before.emails, before.links)


def test_a_reminder_since_the_backup_is_not_sent_twice(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    shop.clock.advance(days=27, hours=2)
    backup = Backup(shop)
    assert shop.link_reminders.remind() == 1
    before = shop.live(order_id)
    recovery = recovered(shop, backup)
    assert recovery.mailed_links == MailedLinks()
    assert shop.order(order_id).emails == before.emails
    assert shop.link_reminders.remind() == 0


def test_the_email_of_a_refund_since_the_backup_is_not_sent_twice(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    backup = Backup(shop)
    shop.staff_actions.refund(order_id, BY, amount=Money(amount=100, currency="EUR"))
    before, mails = shop.live(order_id), len(shop.mailer.mailbox)
    recovery = recovered(shop, backup)
    assert recovery.mailed_links == MailedLinks()
    after = shop.live(order_id)
    assert (after.refunded_amount, len(shop.mailer.mailbox)) == (100, mails)
    assert [each.status for each in after.emails.values()] == [each.status for each in before.emails.values()]


def test_questions_about_emails_are_limited_and_the_rest_is_listed(
    shop: InMemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [shop.pay(shop.upload(photo)) for photo in (b"wedding", b"harvest", b"christening")]
    for order_id in orders:
        shop.live(order_id)
    backup = Backup(shop)
    shop.staff_actions.renew_link(orders[0], BY, revokes_others=True)
    shop.live(orders[0])
    asked = len(shop.email_listing.fault_injector.calls)
    monkeypatch.setattr(mailed_links, "MOST_QUESTIONS", 2)
    recovery = recovered(shop, backup)
    methods = [each.method for each in shop.email_listing.fault_injector.calls[asked:]]
    assert methods.count("about") + methods.count("find_link") == 2
    (listed,) = recovery.mailed_links.unknown_emails
    assert listed.order_ids == (orders[0],), "the other two were looked up"


def test_an_email_about_another_order_of_the_customer_is_not_listed(shop: InMemoryShop) -> None:
    shop.live(shop.pay(shop.upload(b"wedding")))
    waiting = shop.pay(shop.upload(b"harvest"))
    shop.work()
    assert kinds(shop, waiting).count(e.EmailSent) == 1
    backup = Backup(shop)
    shop.staff_actions.resend(waiting, BY)
    shop.work()
    assert kinds(shop, waiting).count(e.EmailSent) == 2
    assert shop.order(waiting).state is State.RESTORING
    assert recovered(shop, backup).mailed_links == MailedLinks()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_links_of_an_order_that_cannot_be_read_stop_no_others(shop: InMemoryShop, damage: Damage) -> None:
    spoiled, readable = shop.pay(shop.upload(b"wedding")), shop.pay(shop.upload(b"harvest"))
    for order_id in (spoiled, readable):
        assert shop.live(order_id).state is State.COMPLETED
    backup = Backup(shop)
    for order_id in (spoiled, readable):
        shop.staff_actions.renew_link(order_id, BY, revokes_others=True)
        shop.live(order_id)
    token = newest_token(shop, readable)
    shop.log_heads.write()
    backup.restore(shop)
    spoil_in_memory(shop.own_unit_of_work, spoiled, damage)
    recovery = shop.restored_database.recover()
    assert recovery is not None
    assert shop.downloads.find(token).order_id == readable
    assert recovery.mailed_links.relinked == (readable,)
    assert [each.order_ids for each in recovery.mailed_links.unknown_emails] == [(spoiled,)]


def test_a_mailer_that_fails_midway_leaves_the_rest_in_the_list(shop: InMemoryShop) -> None:
    orders = [shop.pay(shop.upload(photo)) for photo in (b"wedding", b"harvest")]
    for order_id in orders:
        shop.live(order_id)
    backup = Backup(shop)
    for order_id in orders:
        shop.staff_actions.renew_link(order_id, BY, revokes_others=True)
        shop.live(order_id)
    shop.email_listing.fault_injector.fail("find_link", UnavailableError("The mail double", "rate limit"))
    recovery = recovered(shop, backup)
    assert recovery.mailed_links.problem is not None
    assert "rate limit" in recovery.mailed_links.problem
    assert {each.order_ids for each in recovery.mailed_links.unknown_emails} == {(each,) for each in orders}
    shop.log_heads.check()


def test_a_mailer_that_cannot_be_asked_about_links_is_named(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    backup = Backup(shop)
    shop.staff_actions.renew_link(order_id, BY, revokes_others=True)
    shop.live(order_id)
    shop.email_listing.is_closed = True
    recovery = recovered(shop, backup)
    assert (
        recovery.mailed_links.problem
        == "The mail double cannot be compared, because it is closed on request."
    )
    assert recovery.mailed_links.needs_staff


def test_without_unknown_emails_no_link_is_asked_about(shop: InMemoryShop) -> None:
    lost = lose(shop, b"wedding")
    recovery = shop.restored_database.recover()
    assert recovery is not None
    assert recovery.rebuilt == (lost,)
    assert recovery.mailed_links == MailedLinks()
    assert not [call for call in shop.email_listing.fault_injector.calls if call.method == "find_link"]


def redo(shop: InMemoryShop, order_id: OrderId, *photos: int) -> None:
    by = StaffRequest(actor="person:ada", reason="The left edge is blurred.")
    shop.staff_actions.redo(order_id, by, photos=photos)


@pytest.mark.parametrize("is_lost", [True, False])
def test_further_results_that_were_delivered_are_on_record_again(
    shop: InMemoryShop, *, is_lost: bool
) -> None:
    backup = Backup(shop)
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.live(order_id)
    if not is_lost:
        backup = Backup(shop)
    redo(shop, order_id, 1)
    shop.live(order_id)
    redo(shop, order_id, 1, 2)
    before = shop.live(order_id)
    mails, predictions = len(shop.mailer.mailbox), len(shop.restorer.works)
    shop.log_heads.write()
    backup.restore(shop)
    recovery = shop.restored_database.recover()
    assert recovery is not None
    assert recovery.unplaced == ()
    after = shop.live(order_id)
    assert after.state is State.COMPLETED
    assert after.has_current_archive
    assert [image.results for image in after.images.values()] == [
        image.results for image in before.images.values()
    ]
    assert len(shop.mailer.mailbox) == mails
    assert len(shop.restorer.works) == predictions
    assert before.newest_link is not None
    token = shop.token_signer.download_token(before.newest_link.link_id)
    assert shop.downloads.find(token).content == before.newest_link.archive


def test_a_redo_of_an_order_completed_long_before_the_backup_is_on_record_again(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding", b"harvest"))
    untouched = shop.pay(shop.upload(b"christening"))
    shop.live(order_id)
    shop.live(untouched)
    shop.clock.advance(days=4)
    shop.live(shop.pay(shop.upload(b"four days later")))
    backup = Backup(shop)
    redo(shop, order_id, 1)
    before = shop.live(order_id)
    token, mails = newest_token(shop, order_id), len(shop.mailer.mailbox)
    unchanged = shop.events(untouched)
    recovery = recovered(shop, backup)
    assert (recovery.advanced, recovery.unplaced, recovery.remaining) == ((order_id,), (), ())
    after = shop.order(order_id)
    assert [each.results for each in after.images.values()] == [
        each.results for each in before.images.values()
    ]
    assert before.newest_link is not None
    assert shop.downloads.find(token).content == before.newest_link.archive
    assert not recovery.mailed_links.needs_staff
    shop.live(order_id)
    assert len(shop.mailer.mailbox) == mails
    assert shop.events(untouched) == unchanged


def test_results_that_were_not_packed_before_the_restore_are_packed_after_it(shop: InMemoryShop) -> None:
    backup = Backup(shop)
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    shop.log_heads.write()
    shop.storage.delete([key for key in shop.storage.objects if key.startswith("downloads/")])
    backup.restore(shop)
    recovery = shop.restored_database.recover()
    assert recovery is not None
    assert recovery.unplaced == ()
    rebuilt = shop.order(order_id)
    assert (len(rebuilt.restored_images), rebuilt.links) == (1, {})
    assert shop.live(order_id).state is State.COMPLETED


def test_a_further_result_that_was_never_packed_is_listed_by_its_order(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    shop.live(order_id)
    backup = Backup(shop)
    redo(shop, order_id, 1)
    shop.live(order_id)
    archives = sorted(key for key in shop.storage.objects if key.startswith("downloads/"))
    shop.log_heads.write()
    backup.restore(shop)
    first = shop.order(order_id).newest_link
    assert first is not None
    shop.storage.delete([key for key in archives if key != first.archive.key])
    shop.clock.advance(hours=2)
    recovery = shop.restored_database.recover()
    assert recovery is not None
    (finding,) = recovery.unplaced
    assert (finding.order_id, finding.subject.startswith("uploads/restored/")) == (order_id, True)
    assert recovery.numbers[order_id] == number_of(shop, order_id)
    assert len(shop.order(order_id).restored_images[0].results) == 1


def test_an_order_with_an_unknown_referral_is_named(shop: InMemoryShop) -> None:
    order_id = lose(shop, b"wedding")
    recovery = shop.restored_database.recover()
    assert recovery is not None
    assert recovery.unknown_referrals == (order_id,)


def test_a_session_comes_back_with_the_checkout_that_was_paid_with_points(shop: InMemoryShop) -> None:
    backup = Backup(shop)
    session_id = shop.upload(b"wedding")
    before = shop.upload_service.find(session_id)
    shares = {"paid": Money(amount=390, currency="EUR"), "discount": Money(amount=100, currency="EUR")}
    checkout = shop.payment(session_id, **shares).checkout
    assert checkout is not None
    backup.restore(shop)
    too_little = replace(checkout, paid=Money(amount=290, currency="EUR"))
    assert not shop.restored_database.sessions.restore_session(too_little)
    assert shop.restored_database.sessions.restore_session(checkout)
    session = shop.upload_service.find(session_id)
    assert [photo.upload.key for photo in session.photos] == [photo.upload.key for photo in before.photos]
    assert session.checkout == Checkout(
        attempt=1,
        quoted=Money(amount=490, currency="EUR"),
        reserved_at=shop.clock.now(),
        expires_at=shop.clock.now(),
        checkout_session_id=checkout.checkout_session_id,
        referrer_id=None,
        spending=checkout.spending,
    )
    assert shop.restored_database.sessions.restore_session(checkout)
    again = shop.upload_service.find(session_id).checkout
    assert again is not None
    assert again.attempt == 2


def test_what_was_lost_since_the_newest_head_is_recovered_on_request(shop: InMemoryShop) -> None:
    shop.pay(shop.upload(b"before the backup"))
    shop.log_heads.write()
    backup = Backup(shop)
    lost = shop.pay(shop.upload(b"wedding"))
    number = number_of(shop, lost)
    backup.restore(shop)
    assert shop.restored_database.recover() is None, "the database has the newest head"
    recovery = shop.restored_database.recover(even_if_current=True)
    assert recovery is not None
    assert (recovery.was_behind, recovery.rebuilt, recovery.held) == (False, (lost,), ())
    assert number_of(shop, lost) != number, "it may have been given to another order, too"
    assert shop.live(lost).state is State.COMPLETED


def test_a_database_that_lost_nothing_is_unchanged_by_a_recovery_on_request(shop: InMemoryShop) -> None:
    order_id = shop.pay(shop.upload(b"wedding"))
    assert shop.live(order_id).state is State.COMPLETED
    shop.log_heads.write()
    before = shop.events(order_id)
    recovery = shop.restored_database.recover(even_if_current=True)
    assert recovery is not None
    assert (recovery.rebuilt, recovery.advanced, recovery.numbers_skipped_to) == ((), (), {})
    assert shop.events(order_id) == before
