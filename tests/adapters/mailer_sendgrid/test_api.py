import json
import logging
import ssl
from dataclasses import replace
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import pytest

from domain.order.values import DownloadLinkId
from domain.ports.email import Attachment
from domain.ports.errors import (
    AccountRefusedError,
    LostReplyError,
    OutsideError,
    RefusedError,
    UnavailableError,
)
from tests.adapters.support.misbehaving_server import RogueHandler, RogueServer
from tests.adapters.support.provider_accounts import SENDGRID_API_KEY, sendgrid_mailer
from tests.contracts.test_email import LETTER, mail
from tests.doubles.clock import StoppedClock
from tests.sandbox.processes import TwinProcess


def arrived(twin: TwinProcess, address: str) -> dict[str, Any]:
    (found,) = twin.control("GET", f"mailbox?to={address}")
    assert isinstance(found, dict)
    return found


def on_send(rogue: RogueServer, behave: Any) -> None:
    def post(request: RogueHandler) -> None:
        request.read_body()
        behave(request)

    rogue.manners["POST"] = post


def test_the_whole_email_arrives_with_its_attachment(sendgrid: TwinProcess) -> None:
    sent = replace(
        mail(), attachment=Attachment(name="photos.zip", media_type="application/zip", content=b"PK")
    )
    message_id = sendgrid_mailer(sendgrid.url).send(sent)
    found = arrived(sendgrid, sent.to)
    assert (found["subject"], found["text"], found["html"]) == (LETTER.subject, LETTER.text, LETTER.html)
    assert found["from"] == {"email": "photos@shop.example", "name": "RestoreClick"}
    assert found["to"] == [{"email": sent.to, "name": "Adele Brandt"}]
    assert found["custom_args"] == {"email_id": str(sent.email_id), "order_id": str(sent.order_id)}
    assert found["sg_message_id"].startswith(message_id)
    (attachment,) = found["attachments"]
    assert (attachment["filename"], attachment["type"]) == ("photos.zip", "application/zip")
    content = sendgrid.http.get(f"/_twin/mailbox/{found['id']}/attachments/0").content
    assert content == b"PK"


def test_a_mail_names_its_download_link(sendgrid: TwinProcess) -> None:
    sent = replace(mail(), link_id=DownloadLinkId(uuid4()))
    sendgrid_mailer(sendgrid.url).send(sent)
    assert arrived(sendgrid, sent.to)["custom_args"]["link_id"] == str(sent.link_id)


def test_a_letter_to_the_owner_carries_no_ids(sendgrid: TwinProcess) -> None:
    letter = replace(mail(), order_id=None, to_name=None)
    sendgrid_mailer(sendgrid.url).send(letter)
    found = arrived(sendgrid, letter.to)
    assert not found.get("custom_args")
    assert found["subject"] == LETTER.subject


def test_links_are_sent_without_click_tracking(rogue: RogueServer) -> None:
    bodies = []

    def accept(request: RogueHandler) -> None:
        bodies.append(request.read_body())
        request.answer(202, X_Message_Id="m1")

    rogue.manners["POST"] = accept
    assert sendgrid_mailer(rogue.url).send(mail()) == "m1"
    tracking = json.loads(bodies[0])["tracking_settings"]
    assert tracking["click_tracking"] == {"enable": False, "enable_text": False}
    assert tracking["open_tracking"] == {"enable": False}


def test_a_name_cannot_add_a_header(sendgrid: TwinProcess) -> None:
    sent = replace(mail(), to_name="Adele\r\nBcc: everybody@example.com")
    sendgrid_mailer(sendgrid.url).send(sent)
    assert arrived(sendgrid, sent.to)["to"][0]["name"] == "Adele Bcc: everybody@example.com"


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        *((status, RefusedError) for status in (400, 404, 413, 415)),
        *((status, AccountRefusedError) for status in (401, 403)),
        *((status, UnavailableError) for status in (429, 500, 503)),
        *((status, LostReplyError) for status in (502, 504)),
        (200, LostReplyError),
    ],
)
def test_each_answer_says_whether_to_retry(rogue: RogueServer, status: int, ours: type[OutsideError]) -> None:
    sent = mail()
    body = b'{"errors": [{"message": "no mail for %b", "field": "to"}]}' % sent.to.encode()
    on_send(rogue, lambda request: request.answer(status, body))
    with pytest.raises(OutsideError) as raised:
        sendgrid_mailer(rogue.url).send(sent)
    assert type(raised.value) is ours
    assert "adele" not in str(raised.value)


@pytest.mark.parametrize("manner", ["hang", "hang_up"])
def test_without_an_answer_the_email_may_have_been_sent(rogue: RogueServer, manner: str) -> None:
    on_send(rogue, lambda request: getattr(request, manner)())
    with pytest.raises(LostReplyError):
        sendgrid_mailer(rogue.url, timeout_seconds=0.1).send(mail())


def test_without_a_connection_no_email_was_sent() -> None:
    with pytest.raises(UnavailableError) as raised:
        sendgrid_mailer("http://127.0.0.1:9").send(mail())
    assert not isinstance(raised.value, LostReplyError)


def test_the_wait_is_computed_by_the_providers_clock(rogue: RogueServer) -> None:
    now = StoppedClock().now().replace(microsecond=0)

    def be_busy(request: RogueHandler) -> None:
        request.read_body()
        request.send_response_only(429)
        request.send_header("Date", format_datetime(now, usegmt=True))
        request.send_header("X-RateLimit-Reset", str(int(now.timestamp()) + 40))
        request.send_header("Content-Length", "0")
        request.end_headers()

    rogue.manners["POST"] = be_busy
    with pytest.raises(UnavailableError) as raised:
        sendgrid_mailer(rogue.url).send(mail())
    assert raised.value.retry_after_seconds == 40


def test_the_log_contains_neither_the_key_nor_the_customer(
    sendgrid: TwinProcess, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        sent = mail()
        sendgrid_mailer(sendgrid.url).send(sent)
    assert SENDGRID_API_KEY not in caplog.text
    assert sent.to not in caplog.text


def test_root_certificates_are_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []
    load = ssl.SSLContext.load_default_certs

    def counted(context: ssl.SSLContext, *purpose: ssl.Purpose) -> None:
        loads.append(context)
        load(context, *purpose)

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", counted)
    mailer = sendgrid_mailer("https://127.0.0.1:9")
    for _ in range(2):
        with pytest.raises(UnavailableError):
            mailer.send(mail())
    assert len(loads) <= 1  # none if another test has loaded them
