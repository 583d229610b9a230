from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest

from domain.order.values import EmailId, OrderId
from domain.ports.email import Mailer, OutgoingEmail, RenderedEmail
from domain.ports.errors import LostReplyError, RefusedError, UnavailableError
from tests.adapters.support.provider_accounts import sendgrid_mailer
from tests.doubles.email import InMemoryMailer
from tests.sandbox.processes import TwinProcess

LETTER = RenderedEmail(
    subject="Your photos are ready", text="Adele looks well.", html="<p>Adele looks well.</p>"
)


@dataclass(frozen=True)
class MailDelivery:
    """A mailer, and the e-mails it delivered."""

    mailer: Mailer
    arrived: Callable[[OutgoingEmail], int]
    lose_reply: Callable[[], object]
    be_busy: Callable[[], object]


@pytest.fixture(params=["double", "sendgrid"])
def mail_delivery(request: pytest.FixtureRequest) -> MailDelivery:
    if request.param == "double":
        double = InMemoryMailer()
        busy = UnavailableError("The double", "busy", retry_after_seconds=7)
        return MailDelivery(
            mailer=double,
            arrived=lambda mail: len(double.mails_to(mail.to)),
            lose_reply=lambda: double.fault_injector.lose_reply("send"),
            be_busy=lambda: double.fault_injector.fail("send", busy),
        )
    twin: TwinProcess = request.getfixturevalue("sendgrid")
    return MailDelivery(
        mailer=sendgrid_mailer(twin.url),
        arrived=lambda mail: len(twin.control("GET", f"mailbox?to={mail.to}")),
        lose_reply=lambda: twin.misbehave("POST /v3/mail/send", "lose_reply"),
        be_busy=lambda: twin.misbehave(
            "POST /v3/mail/send", "status", status=429, headers={"Retry-After": "7"}
        ),
    )


def mail() -> OutgoingEmail:
    email_id = uuid4()
    return OutgoingEmail(
        email_id=EmailId(email_id),
        order_id=OrderId(uuid4()),
        to=f"adele-{email_id}@customers.example",
        to_name="Adele Brandt",
        content=LETTER,
    )


def test_an_email_is_accepted_under_a_message_id(mail_delivery: MailDelivery) -> None:
    first, second = mail(), mail()
    assert mail_delivery.mailer.send(first) != mail_delivery.mailer.send(second)
    assert (mail_delivery.arrived(first), mail_delivery.arrived(second)) == (1, 1)


def test_a_retry_sends_a_second_email(mail_delivery: MailDelivery) -> None:
    one = mail()
    mail_delivery.mailer.send(one)
    mail_delivery.mailer.send(one)
    assert mail_delivery.arrived(one) == 2


def test_an_email_whose_reply_was_lost_may_have_arrived(mail_delivery: MailDelivery) -> None:
    one = mail()
    mail_delivery.lose_reply()
    with pytest.raises(LostReplyError):
        mail_delivery.mailer.send(one)
    assert mail_delivery.arrived(one) == 1


def test_a_busy_provider_does_nothing_and_returns_a_wait(mail_delivery: MailDelivery) -> None:
    one = mail()
    mail_delivery.be_busy()
    with pytest.raises(UnavailableError) as answer:
        mail_delivery.mailer.send(one)
    assert not isinstance(answer.value, LostReplyError)
    assert answer.value.retry_after_seconds == 7
    assert mail_delivery.arrived(one) == 0


def test_an_email_to_an_invalid_address_is_refused(mail_delivery: MailDelivery) -> None:
    with pytest.raises(RefusedError):
        mail_delivery.mailer.send(replace(mail(), to="adele"))
