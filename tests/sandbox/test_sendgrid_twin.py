import base64
from pathlib import Path
from typing import Any

import pytest
from python_http_client.exceptions import BadRequestsError, HTTPError, PayloadTooLargeError, UnauthorizedError
from sendgrid.helpers.eventwebhook import EventWebhook
from sendgrid.helpers.mail import Attachment, FileContent, FileName, FileType

from tests.sandbox.processes import running_twin
from tests.sandbox.receiver import Received, WebhookReceiver
from tests.sandbox.sendgrid_client import Mailer
from tests.waiting import eventually


def batches(receiver: WebhookReceiver, address: str) -> list[Received]:
    return [
        one for one in list(receiver.received) if any(event.get("email") == address for event in one.json)
    ]


def wait_for_batches(receiver: WebhookReceiver, address: str, count: int = 1) -> list[Received]:
    return eventually(lambda: found if len(found := batches(receiver, address)) >= count else [])


def test_an_accepted_email_is_answered_with_202_and_is_in_the_mailbox(mailer: Mailer) -> None:
    answer = mailer.send(mailer.compose("adele@example.com"))
    assert (answer.status_code, answer.body) == (202, b"")
    (mail,) = mailer.mails_to("adele@example.com")
    assert mail["sg_message_id"].startswith(answer.headers["X-Message-Id"])
    assert (mail["subject"], mail["from"]["name"]) == ("Your photos are ready", "RestoreClick")
    assert "ten years younger" in mail["text"]
    assert "<b>ten years</b>" in mail["html"]
    assert mail["custom_args"] == {"email_id": "eml_7"}


def test_the_newest_mail_is_the_last(mailer: Mailer) -> None:
    for subject in ("Confirmation", "Result"):
        mailer.send(mailer.compose("order@example.com", subject=subject))
    assert [mail["subject"] for mail in mailer.mails_to("order@example.com")] == ["Confirmation", "Result"]


def test_an_attachment_arrives_as_it_was_sent(mailer: Mailer) -> None:
    photo = bytes(range(256)) * 40
    mail = mailer.compose("photos@example.com")
    mail.attachment = Attachment(
        FileContent(base64.b64encode(photo).decode()), FileName("großtante.jpg"), FileType("image/jpeg")
    )
    mailer.send(mail)
    (received,) = mailer.mails_to("photos@example.com")
    (attached,) = received["attachments"]
    assert (attached["filename"], attached["type"], attached["size_bytes"]) == (
        "großtante.jpg",
        "image/jpeg",
        10240,
    )
    answer = mailer.twin.http.get(f"/_twin/mailbox/{received['id']}/attachments/0")
    assert (answer.content, answer.headers["content-type"]) == (photo, "image/jpeg")


def test_another_key_is_refused(mailer: Mailer) -> None:
    with pytest.raises(UnauthorizedError) as refusal:
        Mailer(mailer.twin, key="SG.other").send(mailer.compose("adele@example.com"))
    (error,) = mailer.errors_of(refusal.value)
    assert error == {
        "message": "The provided authorization grant is invalid, expired, or revoked",
        "field": None,
        "help": None,
    }


def message(**changes: Any) -> dict[str, Any]:
    return {
        "personalizations": [{"to": [{"email": "adele@example.com"}]}],
        "from": {"email": "shop@restoreclick.example"},
        "subject": "Your photos are ready",
        "content": [{"type": "text/plain", "value": "They are."}],
    } | changes


TEXT, HTML = {"type": "text/plain", "value": "a"}, {"type": "text/html", "value": "a"}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": [{"to": [{"email": "adele"}]}]}, "personalizations.0.to.0.email"),
        (
            {"personalizations": [{"to": [{"email": "a@example.com"}], "bcc": [{"email": "A@example.com"}]}]},
            "personalizations.0",
        ),
        ({"from": {"email": "shop"}}, "from.email"),
        ({"subject": ""}, "subject"),
        ({"content": []}, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
        ({"content": [HTML, TEXT]}, "content"),
        ({"attachments": [{"content": "no base64!", "filename": "a.jpg"}]}, "attachments.0.content"),
        ({"attachments": [{"content": "AAAA"}]}, "attachments.0.filename"),
        ({"custom_args": {"story": "x" * 10_000}}, "personalizations.0"),
        ({"custom_args": {"attempt": 3}}, "custom_args"),
        ({"content": "They are."}, None),
    ],
)
def test_a_wrong_message_is_refused_by_field(
    mailer: Mailer, wrong: dict[str, Any], field: str | None
) -> None:
    with pytest.raises(BadRequestsError) as refusal:
        mailer.send(message(**wrong))
    assert [error["field"] for error in mailer.errors_of(refusal.value)] == [field]


def test_all_errors_are_reported_at_once(mailer: Mailer) -> None:
    with pytest.raises(BadRequestsError) as refusal:
        mailer.send({})
    fields = [error["field"] for error in mailer.errors_of(refusal.value)]
    assert fields == ["personalizations", "from.email", "content"]


def test_thirty_megabytes_are_too_many(mailer: Mailer) -> None:
    mailer.client.client.timeout = 20
    heavy = [{"content": "A" * (30 * 1024 * 1024), "filename": "originals.zip"}]
    with pytest.raises(PayloadTooLargeError):
        mailer.send(message(attachments=heavy))


def test_sandbox_mode_checks_and_sends_nothing(mailer: Mailer) -> None:
    to = [{"to": [{"email": "nobody@example.com"}]}]
    answer = mailer.send(message(personalizations=to, mail_settings={"sandbox_mode": {"enable": True}}))
    assert answer.status_code == 200
    assert mailer.mails_to("nobody@example.com") == []


def test_a_delivered_email_is_reported_in_one_batch_with_the_custom_args(
    mailer: Mailer, receiver: WebhookReceiver
) -> None:
    answer = mailer.send(mailer.compose("reported@example.com"))
    (batch,) = wait_for_batches(receiver, "reported@example.com")
    assert [event["event"] for event in batch.json] == ["processed", "delivered"]
    for event in batch.json:
        assert event["email_id"] == "eml_7"
        assert event["sg_message_id"].startswith(answer.headers["X-Message-Id"])
        assert isinstance(event["timestamp"], int)
    assert len({event["sg_event_id"] for event in batch.json}) == 2


@pytest.mark.parametrize(
    ("address", "events"),
    [("adele@bounce.example", ["processed", "bounce"]), ("adele@dropped.example", ["dropped"])],
)
def test_some_domains_never_receive_email(
    mailer: Mailer, receiver: WebhookReceiver, address: str, events: list[str]
) -> None:
    mailer.send(mailer.compose(address))
    (batch,) = wait_for_batches(receiver, address)
    assert [event["event"] for event in batch.json] == events
    assert batch.json[-1]["reason"]
    (mail,) = mailer.mails_to(address)
    assert mail["outcomes"] == {address: events[-1]}


def test_any_address_can_be_made_to_bounce(mailer: Mailer, receiver: WebhookReceiver) -> None:
    mailer.twin.misbehave("mail:full@example.com", "bounce")
    for _ in range(2):
        mailer.send(mailer.compose("full@example.com"))
    outcomes = sorted(batch.json[-1]["event"] for batch in wait_for_batches(receiver, "full@example.com", 2))
    assert outcomes == ["bounce", "delivered"]


def test_events_are_signed_so_that_the_sdk_accepts_them(mailer: Mailer, receiver: WebhookReceiver) -> None:
    mailer.send(mailer.compose("signed@example.com"))
    (batch,) = wait_for_batches(receiver, "signed@example.com")
    shown = mailer.client.client.user.webhooks.event.settings.signed.get().to_dict["public_key"]
    assert shown == mailer.twin.announcement["public_key"]
    signature = batch.headers["x-twilio-email-event-webhook-signature"]
    timestamp = batch.headers["x-twilio-email-event-webhook-timestamp"]
    verifier = EventWebhook(shown)
    assert verifier.verify_signature(batch.body.decode(), signature, timestamp)
    assert not verifier.verify_signature(batch.body.decode() + " ", signature, timestamp)


def test_too_many_requests_are_answered_as_sendgrid_does(mailer: Mailer) -> None:
    mailer.twin.misbehave("POST /v3/mail/send", "status", status=429, headers={"X-RateLimit-Reset": "12"})
    with pytest.raises(HTTPError) as refusal:
        mailer.send(mailer.compose("limited@example.com"))
    assert refusal.value.status_code == 429
    assert refusal.value.headers["X-RateLimit-Reset"] == "12"
    assert mailer.errors_of(refusal.value) == [{"message": "too many requests", "field": None, "help": None}]
    assert mailer.mails_to("limited@example.com") == []


def test_a_lost_reply_leaves_an_email_unknown_to_its_sender(
    mailer: Mailer, receiver: WebhookReceiver
) -> None:
    mailer.twin.misbehave("POST /v3/mail/send", "lose_reply")
    with pytest.raises(OSError, match=r"closed connection|reset"):
        mailer.send(mailer.compose("ambiguous@example.com"))
    assert len(mailer.mails_to("ambiguous@example.com")) == 1
    (batch,) = wait_for_batches(receiver, "ambiguous@example.com")
    assert batch.json[0]["email_id"] == "eml_7"


def test_the_mailbox_page_shows_html_in_a_sandboxed_frame(mailer: Mailer) -> None:
    mailer.send(mailer.compose("page@example.com", html_content="<script>alert(1)</script><p>Ready</p>"))
    (mail,) = mailer.mails_to("page@example.com")
    assert f'href="/mailbox/{mail["id"]}"' in mailer.twin.http.get("/mailbox").text
    page = mailer.twin.http.get(f"/mailbox/{mail['id']}").text
    assert "reaches nobody" in page
    assert "<script>" not in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert mailer.twin.http.get("/mailbox/mail_no").status_code == 404


def test_mailbox_and_key_survive_a_kill(tmp_path: Path, mailer: Mailer) -> None:
    with running_twin("sendgrid", "--data", str(tmp_path)) as first:
        Mailer(first, key="SG.sandbox").send(mailer.compose("kept@example.com"))
        first.kill()
    with running_twin("sendgrid", "--data", str(tmp_path)) as second:
        assert len(Mailer(second).mails_to("kept@example.com")) == 1
        assert second.announcement["public_key"] == first.announcement["public_key"]


@pytest.mark.parametrize(
    ("do", "events"),
    [
        ("block", [["processed", "bounce"]]),
        ("defer", [["delivered"], ["processed", "deferred"]]),
        ("late_bounce", [["bounce"], ["processed", "delivered"]]),
        ("spam_report", [["processed", "delivered"], ["spamreport"]]),
        ("group_unsubscribe", [["group_unsubscribe"], ["processed", "delivered"]]),
    ],
)
def test_any_address_can_be_given_another_outcome(
    mailer: Mailer, receiver: WebhookReceiver, do: str, events: list[list[str]]
) -> None:
    address = f"{do}@example.com"
    mailer.twin.misbehave(f"mail:{address}", do)
    mailer.send(mailer.compose(address))
    batches = wait_for_batches(receiver, address, len(events))
    assert sorted([event["event"] for event in batch.json] for batch in batches) == events
    bounced = [event for batch in batches for event in batch.json if event["event"] == "bounce"]
    assert all(("email_id" in event) is (do != "late_bounce") for event in bounced)


def test_a_shared_account_sends_foreign_events(mailer: Mailer, receiver: WebhookReceiver) -> None:
    mailer.twin.turn(shares_account=True)
    mailer.send(mailer.compose("shared@example.com"))
    (batch,) = wait_for_batches(receiver, "shared@example.com")
    assert batch.json[0]["order_id"] == 12345
    assert [event["event"] for event in batch.json[-2:]] == ["processed", "delivered"]
