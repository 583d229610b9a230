import base64
import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.mailer_sendgrid import SendGridNotices
from adapters.system import SystemClock
from domain.ports.errors import ForgedMessageError
from domain.ports.mail import MailFate, MailNotice
from tests.adapters.accounts import sendgrid_mailer
from tests.contracts.test_mailer import mail
from tests.doubles.world import StoppedClock
from tests.sandbox.processes import TwinProcess
from tests.sandbox.receiver import WebhookReceiver
from tests.waiting import eventually

CLOCK = StoppedClock()
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
NOTICES = SendGridNotices(PUBLIC_KEY, CLOCK)
SIGNATURE, TIMESTAMP = (f"x-twilio-email-event-webhook-{name}" for name in ("signature", "timestamp"))
BODY = b'[{"event": "delivered", "timestamp": 1773500966, "sg_message_id": "m1.recvd-5c9"}]'


def signed(body: bytes = BODY, *, age_seconds: float = 0) -> dict[str, str]:
    timestamp = str(int(CLOCK.now().timestamp() - age_seconds))
    signature = KEY.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: timestamp}


def read(**event: Any) -> MailNotice:
    body = json.dumps([{"timestamp": 1773500966, "email": "adele@customers.example", **event}]).encode()
    (notice,) = NOTICES.read(body, signed(body))
    return notice


def test_what_sendgrid_posts_of_a_mail_is_read(sendgrid: TwinProcess, letterbox: WebhookReceiver) -> None:
    sent = mail()
    message_id = sendgrid_mailer(sendgrid.url).send(sent)
    (posted,) = eventually(lambda: list(letterbox.received))
    notices = SendGridNotices(sendgrid.announcement["public_key"], SystemClock())
    told = notices.read(posted.body, posted.headers)
    assert [notice.fate for notice in told] == [MailFate.ACCEPTED, MailFate.ACCEPTED]
    assert {notice.email_id for notice in told} == {sent.email_id}
    assert {notice.order_id for notice in told} == {sent.order_id}
    assert {notice.message_id for notice in told} == {message_id}
    assert len({notice.event_id for notice in told}) == 2


def test_a_mail_that_bounces_is_undeliverable(sendgrid: TwinProcess, letterbox: WebhookReceiver) -> None:
    sent = replace(mail(), to="adele@bounce.example")
    sendgrid_mailer(sendgrid.url).send(sent)
    (posted,) = eventually(lambda: list(letterbox.received))
    notices = SendGridNotices(sendgrid.announcement["public_key"], SystemClock())
    last = notices.read(posted.body, posted.headers)[-1]
    assert (last.email_id, last.fate, last.reason) == (
        sent.email_id,
        MailFate.UNDELIVERABLE,
        "bounce Invalid Address 5.1.1",
    )


@pytest.mark.parametrize(
    ("event", "fate"),
    [
        ("processed", MailFate.ACCEPTED),
        ("deferred", MailFate.ACCEPTED),
        ("delivered", MailFate.ACCEPTED),
        ("open", MailFate.ACCEPTED),
        ("click", MailFate.ACCEPTED),
        ("bounce", MailFate.UNDELIVERABLE),
        ("blocked", MailFate.UNDELIVERABLE),
        ("dropped", MailFate.UNDELIVERABLE),
        ("spamreport", MailFate.OTHER),
        ("something_new", MailFate.OTHER),
    ],
)
def test_each_event_tells_a_fate(event: str, fate: MailFate) -> None:
    assert read(event=event).fate is fate


def test_a_reason_does_not_quote_the_address() -> None:
    reason = "550 5.1.1 <adele@customers.example> does not exist"
    assert (
        read(event="bounce", type="blocked", status="5.1.1", reason=reason).reason == "bounce blocked 5.1.1"
    )


@pytest.mark.parametrize("field", ["type", "status", "bounce_classification"])
@pytest.mark.parametrize("told", ["<adele@customers.example>", "Adele's mailbox, in Rennes, is full; " * 2])
def test_a_reason_holds_codes_and_nothing_else(field: str, told: str) -> None:
    assert read(event="bounce", **{field: told}).reason == "bounce"


def test_the_same_event_has_the_same_id_in_every_retry() -> None:
    ids = {"email_id": str(uuid4()), "sg_message_id": "m1.filter0001.5"}
    first = read(event="delivered", sg_event_id="one", **ids)
    assert read(event="delivered", sg_event_id="another", **ids).event_id == first.event_id
    assert read(event="open", sg_event_id="one", **ids).event_id != first.event_id
    assert read(event="delivered", timestamp=5, **ids).event_id != first.event_id
    assert first.message_id == "m1"


@pytest.mark.parametrize("ids", [{}, {"email_id": "newsletter-7", "order_id": ""}])
def test_a_mail_that_is_not_ours_has_no_ids(ids: dict[str, str]) -> None:
    notice = read(event="delivered", **ids)
    assert (notice.email_id, notice.order_id) == (None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {TIMESTAMP: ""},
        {TIMESTAMP: "soon"},
        {TIMESTAMP: "1773500000"},
        {SIGNATURE: ""},
        {SIGNATURE: "§"},
        {SIGNATURE: "AAAA"},
        {SIGNATURE: "A"},
        signed(BODY + b" "),
        signed(age_seconds=301),
        signed(age_seconds=-301),
    ],
)
def test_a_message_without_a_fresh_signature_is_forged(changes: dict[str, str]) -> None:
    with pytest.raises(ForgedMessageError):
        NOTICES.read(BODY, signed() | changes)


def test_a_message_without_any_header_is_forged() -> None:
    with pytest.raises(ForgedMessageError):
        NOTICES.read(BODY, {})


@pytest.mark.parametrize("body", [b"", b"\xff", b"{}", b"[7]", b'[{"event": "open"}]'])
def test_what_is_no_list_of_events_is_refused_even_when_it_is_signed(body: bytes) -> None:
    with pytest.raises(ForgedMessageError):
        NOTICES.read(body, signed(body))


def test_a_public_key_that_is_none_is_told_at_the_start() -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the vendor's words are
        SendGridNotices("not a key", CLOCK)
