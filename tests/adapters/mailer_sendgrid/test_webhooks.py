import base64
import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.mailer_sendgrid import SendGridWebhookParser
from adapters.webhooks.fields import readable
from domain.order.values import OptOut
from domain.ports.email import DeliveryStatus, EmailWebhookEvent
from domain.ports.errors import ForgedMessageError
from tests.adapters.support.provider_accounts import sendgrid_mailer
from tests.contracts.test_email import mail
from tests.doubles.clock import StoppedClock, SystemClock
from tests.sandbox.processes import TwinProcess
from tests.sandbox.receiver import WebhookReceiver
from tests.waiting import eventually

CLOCK = StoppedClock()
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
PARSER = SendGridWebhookParser(PUBLIC_KEY, CLOCK)
SIGNATURE, TIMESTAMP = (f"x-twilio-email-event-webhook-{name}" for name in ("signature", "timestamp"))
BODY = b'[{"event": "delivered", "timestamp": 1773500966, "sg_message_id": "m1.recvd-5c9"}]'


def signed(body: bytes = BODY, *, age_seconds: float = 0) -> dict[str, str]:
    timestamp = str(int(CLOCK.now().timestamp() - age_seconds))
    signature = KEY.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {SIGNATURE: base64.b64encode(signature).decode(), TIMESTAMP: timestamp}


def read(**event: Any) -> EmailWebhookEvent:
    body = json.dumps([{"timestamp": 1773500966, "email": "adele@customers.example", **event}]).encode()
    (webhook_event,) = PARSER.read(body, signed(body))
    return webhook_event


def test_sendgrids_webhook_of_an_email_is_parsed(sendgrid: TwinProcess, receiver: WebhookReceiver) -> None:
    sent = mail()
    message_id = sendgrid_mailer(sendgrid.url).send(sent)
    (posted,) = eventually(lambda: list(receiver.received))
    webhook_events = SendGridWebhookParser(sendgrid.announcement["public_key"], SystemClock())
    parsed = webhook_events.read(posted.body, posted.headers)
    assert [webhook_event.fate for webhook_event in parsed] == [
        DeliveryStatus.ACCEPTED,
        DeliveryStatus.ACCEPTED,
    ]
    assert {webhook_event.email_id for webhook_event in parsed} == {sent.email_id}
    assert {webhook_event.order_id for webhook_event in parsed} == {sent.order_id}
    assert {webhook_event.message_id for webhook_event in parsed} == {message_id}
    assert len({webhook_event.event_id for webhook_event in parsed}) == 2


def test_a_mail_that_bounces_is_undeliverable(sendgrid: TwinProcess, receiver: WebhookReceiver) -> None:
    sent = replace(mail(), to="adele@bounce.example")
    sendgrid_mailer(sendgrid.url).send(sent)
    (posted,) = eventually(lambda: list(receiver.received))
    webhook_events = SendGridWebhookParser(sendgrid.announcement["public_key"], SystemClock())
    last = webhook_events.read(posted.body, posted.headers)[-1]
    assert (last.email_id, last.fate, last.reason) == (
        sent.email_id,
        DeliveryStatus.UNDELIVERABLE,
        "bounce Invalid Address 5.1.1",
    )


@pytest.mark.parametrize(
    ("event", "fate"),
    [
        ("processed", DeliveryStatus.ACCEPTED),
        ("deferred", DeliveryStatus.DEFERRED),
        ("delivered", DeliveryStatus.ACCEPTED),
        ("open", DeliveryStatus.ACCEPTED),
        ("click", DeliveryStatus.ACCEPTED),
        ("bounce", DeliveryStatus.UNDELIVERABLE),
        ("blocked", DeliveryStatus.BLOCKED),
        ("dropped", DeliveryStatus.UNDELIVERABLE),
        ("spamreport", DeliveryStatus.OPTED_OUT),
        ("unsubscribe", DeliveryStatus.OPTED_OUT),
        ("group_unsubscribe", DeliveryStatus.OPTED_OUT),
        ("group_resubscribe", DeliveryStatus.OTHER),
        ("something_new", DeliveryStatus.OTHER),
    ],
)
def test_each_event_maps_to_a_delivery_status(event: str, fate: DeliveryStatus) -> None:
    assert read(event=event).fate is fate


def test_a_reason_does_not_quote_the_address() -> None:
    reason = "550 5.1.1 <adele@customers.example> does not exist"
    assert read(event="bounce", type="bounce", status="5.1.1", reason=reason).reason == "bounce 5.1.1"


@pytest.mark.parametrize("field", ["type", "status", "bounce_classification"])
@pytest.mark.parametrize("code", ["<adele@customers.example>", "Adele's mailbox, in Rennes, is full; " * 2])
def test_a_reason_contains_codes_only(field: str, code: str) -> None:
    assert read(event="bounce", **{field: code}).reason == "bounce"


def test_the_same_event_has_the_same_id_in_every_retry() -> None:
    ids = {"email_id": str(uuid4()), "sg_message_id": "m1.filter0001.5"}
    first = read(event="delivered", sg_event_id="one", **ids)
    assert read(event="delivered", sg_event_id="another", **ids).event_id == first.event_id
    assert read(event="open", sg_event_id="one", **ids).event_id != first.event_id
    assert read(event="delivered", timestamp=5, **ids).event_id != first.event_id
    assert first.message_id == "m1"


@pytest.mark.parametrize("ids", [{}, {"email_id": "newsletter-7", "order_id": ""}])
def test_a_foreign_email_has_no_ids(ids: dict[str, str]) -> None:
    webhook_event = read(event="delivered", **ids)
    assert (webhook_event.email_id, webhook_event.order_id) == (None, None)


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
        PARSER.read(BODY, signed() | changes)


def test_a_message_without_any_header_is_forged() -> None:
    with pytest.raises(ForgedMessageError):
        PARSER.read(BODY, {})


def test_a_blocking_bounce_does_not_invalidate_the_address() -> None:
    webhook_event = read(event="bounce", type="blocked", status="5.7.1")
    assert (webhook_event.fate, webhook_event.reason) == (DeliveryStatus.BLOCKED, "bounce blocked 5.7.1")


@pytest.mark.parametrize(
    ("given", "fate", "reason"),
    [
        ("Bounced Address", DeliveryStatus.UNDELIVERABLE, "dropped Bounced Address"),
        ("Unsubscribed Address", DeliveryStatus.UNDELIVERABLE, "dropped Unsubscribed Address"),
        ("Spam Reporting Address", DeliveryStatus.UNDELIVERABLE, "dropped Spam Reporting Address"),
        (
            "Recipient List over Package Quota",
            DeliveryStatus.BLOCKED,
            "dropped Recipient List over Package Quota",
        ),
        ("Invalid: adele@customers.example", DeliveryStatus.UNDELIVERABLE, "dropped Invalid"),
        ("Adele Brandt", DeliveryStatus.UNDELIVERABLE, "dropped"),
    ],
)
def test_a_dropped_email_has_sendgrids_documented_reason(
    given: str, fate: DeliveryStatus, reason: str
) -> None:
    webhook_event = read(event="dropped", reason=given)
    assert (webhook_event.fate, webhook_event.reason) == (fate, reason)


@pytest.mark.parametrize(
    ("event", "how"),
    [
        ("spamreport", OptOut.SPAM_REPORT),
        ("unsubscribe", OptOut.UNSUBSCRIBED),
        ("group_unsubscribe", OptOut.GROUP_UNSUBSCRIBED),
        ("delivered", None),
    ],
)
def test_an_opt_out_has_its_kind(event: str, how: OptOut | None) -> None:
    assert read(event=event).opt_out is how


@pytest.mark.parametrize("sg_message_id", ["m.1.recvd-5c9-1-A-0.0", "m.1.filterdrecv-p3mdw1-7", "m.1.x9"])
def test_the_returned_id_is_among_the_possible_message_ids(sg_message_id: str) -> None:
    assert "m.1" in read(event="bounce", sg_message_id=sg_message_id).message_ids


@pytest.mark.parametrize("sg_message_id", ["m1.recvd-5c9-1-A-0.0", None, "z9"])
@pytest.mark.parametrize("smtp_id", ["<m1@geopod-ismtpd-20>", "m1@ismtpd-555", "<m1>"])
def test_the_emails_header_has_the_returned_message_id(smtp_id: str, sg_message_id: str | None) -> None:
    parsed = read(**{"event": "bounce", "sg_message_id": sg_message_id, "smtp-id": smtp_id})
    assert "m1" in parsed.message_ids


@pytest.mark.parametrize("smtp_id", ["", "<>", "<@x>", "<" + "m" * 300, 7, None, ["m1"]])
def test_an_invalid_header_has_no_message_id(smtp_id: Any) -> None:
    assert read(**{"event": "bounce", "smtp-id": smtp_id}).message_ids == ()


@pytest.mark.parametrize("sg_message_id", ["", "m" * 256, 7, None, ["m1"]])
def test_an_invalid_message_id_is_none(sg_message_id: Any) -> None:
    webhook_event = read(event="bounce", sg_message_id=sg_message_id)
    assert (webhook_event.message_id, webhook_event.message_ids) == (None, ())


@pytest.mark.parametrize("field", ["x", "timestamp", "reason", "email", "asm_group_id"])
@pytest.mark.parametrize("number", ["1e999", "-1e400", "9" * 5000, '{"y": [1e999]}'])
def test_a_number_of_any_size_costs_its_own_field_only(field: str, number: str) -> None:
    ids = {"email_id": str(uuid4()), "order_id": str(uuid4()), "sg_message_id": "m1.recvd-5c9"}
    body = f'[{{"event": "bounce", {json.dumps(ids)[1:-1]}, "{field}": {number}}}]'.encode()
    (webhook_event,) = PARSER.read(body, signed(body))
    assert (str(webhook_event.email_id), str(webhook_event.order_id)) == (ids["email_id"], ids["order_id"])
    assert (webhook_event.fate, webhook_event.message_id) == (DeliveryStatus.UNDELIVERABLE, "m1")


@pytest.mark.parametrize(
    ("timestamp", "other"), [("1773500966", "1773500967"), ("1e999", "1e998"), ("9" * 200, "8" * 200)]
)
def test_events_of_two_times_have_two_ids(timestamp: str, other: str) -> None:
    bodies = [f'[{{"event": "open", "timestamp": {each}}}]'.encode() for each in (timestamp, other)]
    (first,), (second,) = (PARSER.read(body, signed(body)) for body in bodies)
    assert first.event_id != second.event_id


@pytest.mark.parametrize("value", [7, 5.1, True, None, ["5.1.1"], {"code": 5}])
@pytest.mark.parametrize("field", ["type", "status", "bounce_classification", "reason", "email", "timestamp"])
def test_an_event_with_a_field_of_another_type_is_read(field: str, value: Any) -> None:
    email_id, order_id = str(uuid4()), str(uuid4())
    webhook_event = read(**{"event": "bounce", "email_id": email_id, "order_id": order_id, field: value})
    assert (str(webhook_event.email_id), str(webhook_event.order_id)) == (email_id, order_id)
    assert webhook_event.fate is DeliveryStatus.UNDELIVERABLE


@pytest.mark.parametrize(
    "foreign", ["7", "[]", "null", '"open"', "{}", '{"event": 7}', '{"event": "open", "order_id": 12345}']
)
def test_a_foreign_event_is_skipped_alone(foreign: str) -> None:
    ours = {"event": "bounce", "timestamp": 1, "email_id": str(uuid4()), "order_id": str(uuid4())}
    body = f"[{foreign}, {json.dumps(ours)}, {foreign}]".encode()
    parsed = [webhook_event for webhook_event in PARSER.read(body, signed(body)) if webhook_event.order_id]
    assert [str(webhook_event.email_id) for webhook_event in parsed] == [ours["email_id"]]


@pytest.mark.parametrize("body", [b"", b"\xff", b"{}", b"7", b"[" * 100_000, b'[{"event": "open"'])
def test_a_signed_body_that_is_not_a_list_of_events_is_refused(body: bytes) -> None:
    with pytest.raises(ForgedMessageError):
        PARSER.read(body, signed(body))


def test_an_invalid_public_key_is_reported_at_start() -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the vendor's words are
        SendGridWebhookParser("not a key", CLOCK)


@pytest.mark.parametrize("unfit", ["\\u0000", "\\ud800", "\\u001f"])
def test_unstorable_text_loses_no_event_of_the_batch(unfit: str) -> None:
    ids = {"email_id": str(uuid4()), "order_id": str(uuid4())}
    ours = json.dumps({"event": "bounce", "timestamp": 1, "sg_message_id": "abc.recvd", **ids})
    spoilt = ours.replace("abc", f"a{unfit}bc").replace("bounce", f"bou{unfit}nce")
    body = f"[{spoilt}, {ours}]".encode()
    first, second = PARSER.read(body, signed(body))
    assert first == second
    assert first.fate is DeliveryStatus.UNDELIVERABLE


@pytest.mark.parametrize("number", ["9" * 5_000, "1e999", "-1e-999", "-0", "1" * 400 + ".5"])
def test_a_number_of_any_size_beside_unstorable_text_is_read(number: str) -> None:
    ids = {"email_id": str(uuid4()), "order_id": str(uuid4())}
    ours = json.dumps({"event": "bounce", "timestamp": 1, **ids})
    body = f'[{{"event": "open", "order_id": {number}, "campaign": "a\\u0007b"}}, {ours}]'.encode()
    parsed = [webhook_event for webhook_event in PARSER.read(body, signed(body)) if webhook_event.email_id]
    assert [str(webhook_event.email_id) for webhook_event in parsed] == [ids["email_id"]]


def test_escapes_that_can_be_stored_stay() -> None:
    assert readable(rb'["\u0000a\"\\u0000\n\u000a\ud83d\ude00\ude00\b\f\u00e9"]') == (
        rb'["a\"\\u0000\n\u000a\ud83d\ude00\u00e9"]'
    )
