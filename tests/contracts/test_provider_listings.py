"""Providers' lists, on each double and each real adapter."""

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from adapters.mailer_sendgrid import SendGridListing
from adapters.payments_stripe import StripeListing
from adapters.restorer_replicate import ReplicateListing
from domain.order.values import DownloadLinkId, EmailId, ObjectKey, OrderId, Variant
from domain.ports.email import DeliveryStatus, Mailer, OutgoingEmail
from domain.ports.object_storage import ObjectStorage
from domain.ports.payments import CheckoutStatus, PaymentEventKind, PaymentProvider
from domain.ports.provider_listings import (
    EmailListing,
    ListingClosedError,
    ObjectListing,
    PaymentListing,
    PredictionListing,
)
from domain.ports.restorer import PredictionStatus, Restorer
from tests.adapters.support.provider_accounts import (
    replicate_restorer,
    sendgrid_mailer,
    small_photo,
    stripe_payments,
)
from tests.contracts.test_email import LETTER
from tests.contracts.test_payments import new_checkout, pay_at, refund
from tests.doubles.clock import SystemClock
from tests.doubles.email import InMemoryMailer
from tests.doubles.payments import InMemoryPayments
from tests.doubles.provider_listings import (
    InMemoryEmailListing,
    InMemoryPaymentListing,
    InMemoryPredictionListing,
)
from tests.doubles.restorer import InMemoryRestorer
from tests.sandbox.processes import TwinProcess
from tests.waiting import eventually

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Bank:
    """A payment provider with its lists, and actions of customers and banks."""

    ledger: PaymentListing
    provider: PaymentProvider
    pay: Callable[[str], str]
    fail_refund: Callable[[str], object]
    now: datetime


@pytest.fixture(params=["double", "stripe"])
def bank(request: pytest.FixtureRequest) -> Bank:
    if request.param == "double":
        double = InMemoryPayments()
        ledger = InMemoryPaymentListing(double, moment=datetime.now(UTC))
        return Bank(ledger, double, double.pay, double.fail_refund, ledger.moment)
    twin: TwinProcess = request.getfixturevalue("stripe")
    payments = stripe_payments(twin.url)
    return Bank(
        ledger=StripeListing(payments.client),
        provider=payments,
        pay=lambda session_id: pay_at(twin, session_id),
        fail_refund=lambda name: twin.control("POST", f"refunds/{name}/settle", {"outcome": "failed"}),
        now=datetime.now(UTC),
    )


def test_checkouts_are_listed_in_their_current_state(bank: Bank) -> None:
    opened, paid = (bank.provider.open_checkout(new_checkout()).checkout_session_id for _ in range(2))
    intent = bank.pay(paid)
    listed = {
        each.state.checkout.checkout_session_id: each for each in bank.ledger.checkouts(bank.now - HOUR)
    }
    assert listed[opened].state.status is CheckoutStatus.OPEN
    assert listed[paid].state == bank.provider.find_checkout(paid)
    assert listed[paid].state.checkout.payment_intent_id == intent
    assert abs(listed[paid].created_at - bank.now) < HOUR


def test_refunds_are_listed_in_their_current_state(bank: Bank) -> None:
    intent = bank.pay(bank.provider.open_checkout(new_checkout()).checkout_session_id)
    requested = refund(intent, 490)
    good = bank.provider.issue_refund(requested).provider_refund_id
    bad = bank.provider.issue_refund(refund(intent, 200)).provider_refund_id
    bank.fail_refund(bad)
    listed = {
        each.refund.provider_refund_id: each
        for each in bank.ledger.refunds(bank.now - HOUR)
        if each.refund is not None
    }
    assert (listed[good].kind, listed[bad].kind) == (
        PaymentEventKind.REFUND_ISSUED,
        PaymentEventKind.REFUND_FAILED,
    )
    assert listed[good].refund == bank.provider.look_up_refund(good)
    assert (listed[good].refund_id, listed[good].payment_intent_id) == (requested.refund_id, intent)
    assert listed[good].event_id != listed[bad].event_id


def test_nothing_created_before_the_time_is_listed(bank: Bank) -> None:
    intent = bank.pay(bank.provider.open_checkout(new_checkout()).checkout_session_id)
    bank.provider.issue_refund(refund(intent, 490))
    later = bank.now + HOUR
    lists = (bank.ledger.events, bank.ledger.checkouts, bank.ledger.refunds, bank.ledger.disputes)
    assert [list(listed(later)) for listed in lists] == [[], [], [], []]


@dataclass(frozen=True)
class PredictionAccount:
    """A restorer with its list."""

    ledger: PredictionListing
    restorer: Restorer
    end: Callable[[str], object]
    now: datetime


@pytest.fixture(params=["double", "replicate"])
def prediction_account(request: pytest.FixtureRequest) -> Iterator[PredictionAccount]:
    if request.param == "double":
        double = InMemoryRestorer()
        ledger = InMemoryPredictionListing(double, moment=datetime.now(UTC))
        yield PredictionAccount(ledger, double, lambda name: double.succeed(name, b"restored"), ledger.moment)
        return
    twin: TwinProcess = request.getfixturevalue("replicate")
    with closing(replicate_restorer(twin.url)) as restorer:

        def end(name: str) -> None:
            eventually(lambda: restorer.look(name).status is not PredictionStatus.RUNNING)

        yield PredictionAccount(ReplicateListing(restorer), restorer, end, datetime.now(UTC))


def started(prediction_account: PredictionAccount, address: str) -> str:
    picture = io.BytesIO(small_photo())
    return prediction_account.restorer.start(
        picture, media_type="image/png", webhook_url=address, variant=Variant.FIRST, ends_within=HOUR
    ).prediction_id


def test_predictions_are_listed_newest_first_with_their_webhook_address(
    prediction_account: PredictionAccount,
) -> None:
    addresses = [f"http://127.0.0.1:9/{uuid4()}" for _ in range(2)]
    names = [started(prediction_account, address) for address in addresses]
    for name in names:
        prediction_account.end(name)
    ours = [
        each
        for each in prediction_account.ledger.predictions(prediction_account.now - HOUR)
        if each.prediction_id in names
    ]
    assert [each.prediction_id for each in ours] == names[::-1]
    assert [prediction_account.ledger.address_of(each) for each in ours] == addresses[::-1]
    assert {each.status for each in ours} == {PredictionStatus.SUCCEEDED}
    assert all(each.ended_at is not None and each.ended_at >= each.created_at for each in ours)
    assert list(prediction_account.ledger.predictions(prediction_account.now + HOUR)) == []


@dataclass(frozen=True)
class MailAccount:
    """A mailer with its list."""

    ledger: EmailListing
    mailer: Mailer
    lose: Callable[[OutgoingEmail, str], object]
    close: Callable[[], object]
    now: datetime


@pytest.fixture(params=["double", "sendgrid"])
def mail_account(request: pytest.FixtureRequest) -> MailAccount:
    if request.param == "double":
        double = InMemoryMailer()
        ledger = InMemoryEmailListing(double, moment=datetime.now(UTC))
        return MailAccount(
            ledger=ledger,
            mailer=double,
            lose=lambda _, message_id: ledger.undeliverable.add(message_id),
            close=lambda: setattr(ledger, "is_closed", True),
            now=ledger.moment,
        )
    twin: TwinProcess = request.getfixturevalue("sendgrid")
    mailer = sendgrid_mailer(twin.url)
    return MailAccount(
        ledger=SendGridListing(mailer, SystemClock()),
        mailer=mailer,
        lose=lambda *_: None,  # the address's domain does it
        close=lambda: twin.turn(has_email_activity=False),
        now=datetime.now(UTC),
    )


def mail(domain: str = "customers.example") -> OutgoingEmail:
    email_id = EmailId(uuid4())
    to = f"adele-{email_id}@{domain}"
    return OutgoingEmail(email_id=email_id, order_id=OrderId(uuid4()), to=to, to_name=None, content=LETTER)


def test_emails_are_listed_by_the_returned_message_id(mail_account: MailAccount) -> None:
    good, bad = mail(), mail("bounce.example")
    names = [mail_account.mailer.send(each) for each in (good, bad)]
    mail_account.lose(bad, names[1])
    listed = {each.message_id: each for each in mail_account.ledger.messages(mail_account.now - HOUR)}
    fates = [listed[name].fate for name in names]
    assert fates == [DeliveryStatus.ACCEPTED, DeliveryStatus.UNDELIVERABLE]
    assert abs(listed[names[0]].last_event_at - mail_account.now) < HOUR


def test_a_mail_is_found_by_our_own_id(mail_account: MailAccount) -> None:
    ours = mail()
    name = mail_account.mailer.send(ours)
    found = mail_account.ledger.find(ours.email_id)
    assert found is not None
    assert (found.message_id, found.fate) == (name, DeliveryStatus.ACCEPTED)
    assert mail_account.ledger.find(EmailId(uuid4())) is None


def test_the_newest_mail_with_a_download_link_is_found(mail_account: MailAccount) -> None:
    link_id = DownloadLinkId(uuid4())
    names = [mail_account.mailer.send(replace(mail(), link_id=link_id)) for _ in range(2)]
    found = mail_account.ledger.find_link(link_id)
    assert found is not None
    assert found.message_id == names[1]
    assert mail_account.ledger.find_link(DownloadLinkId(uuid4())) is None


def test_the_mails_about_an_order_are_found(mail_account: MailAccount) -> None:
    first = mail()
    names = [
        mail_account.mailer.send(each) for each in (first, replace(first, email_id=EmailId(uuid4())), mail())
    ]
    assert first.order_id is not None
    listed = mail_account.ledger.about(first.order_id)
    assert [each.message_id for each in listed] == [names[1], names[0]]
    assert mail_account.ledger.about(OrderId(uuid4())) == []


def test_a_listed_mail_names_its_recipient(mail_account: MailAccount) -> None:
    ours = mail()
    name = mail_account.mailer.send(ours)
    listed = {each.message_id: each.to for each in mail_account.ledger.messages(mail_account.now - HOUR)}
    assert listed[name] == ours.to


def test_an_account_without_email_activity_is_reported_as_closed(mail_account: MailAccount) -> None:
    mail_account.close()
    with pytest.raises(ListingClosedError, match="cannot be compared, because"):
        list(mail_account.ledger.messages(mail_account.now))


def test_objects_are_listed_with_their_size_and_time(store: ObjectStorage, folder: str) -> None:
    ledger: ObjectListing = store  # type: ignore[assignment]
    for number in (1, 2):
        store.put(
            ObjectKey(f"{folder}/{number}"),
            io.BytesIO(b"x" * number),
            size_bytes=number,
            media_type="image/png",
        )
    listed = list(ledger.objects_under(f"{folder}/"))
    assert [(each.key, each.size_bytes) for each in listed] == [(f"{folder}/1", 1), (f"{folder}/2", 2)]
    assert all(each.stored_at.tzinfo is not None for each in listed)
    assert list(ledger.objects_under(f"{folder}/3")) == []
