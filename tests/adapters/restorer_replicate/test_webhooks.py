import base64
import hashlib
import hmac
import io
from contextlib import closing
from datetime import timedelta

import pytest

from adapters.restorer_replicate import ReplicateWebhookParser
from domain.order.values import Variant
from domain.ports.errors import ForgedMessageError
from tests.adapters.support.provider_accounts import REPLICATE_WEBHOOK_SECRET, replicate_restorer, small_photo
from tests.doubles.clock import StoppedClock, SystemClock
from tests.sandbox.processes import TwinProcess
from tests.sandbox.receiver import WebhookReceiver
from tests.waiting import eventually

CLOCK = StoppedClock()
KEY = b"sixteen bytes!!!"
PARSER = ReplicateWebhookParser("whsec_" + base64.b64encode(KEY).decode(), CLOCK)
BODY = b'{"id": "p1", "status": "succeeded", "output": "https://replicate.delivery/out.png"}'


def signed(
    body: bytes = BODY, *, key: bytes = KEY, age_seconds: float = 0, message_id: str = "msg_1"
) -> dict[str, str]:
    timestamp = str(int(CLOCK.now().timestamp() - age_seconds))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def test_replicates_webhook_of_an_end_is_parsed(replicate: TwinProcess, receiver: WebhookReceiver) -> None:
    with closing(replicate_restorer(replicate.url)) as restorer:
        started = restorer.start(
            io.BytesIO(small_photo()),
            media_type="image/png",
            webhook_url=receiver.url,
            variant=Variant.FIRST,
            ends_within=timedelta(hours=1),
        )
        (posted,) = eventually(lambda: list(receiver.received))
    webhook_event = ReplicateWebhookParser(REPLICATE_WEBHOOK_SECRET, SystemClock()).read(
        posted.body, posted.headers
    )
    assert webhook_event.prediction_id == started.prediction_id
    assert webhook_event.event_id == posted.headers["webhook-id"]
    assert webhook_event.has_ended


@pytest.mark.parametrize(
    ("status", "has_ended"),
    [
        ("starting", False),
        ("processing", False),
        ("succeeded", True),
        ("failed", True),
        ("canceled", True),
        ("aborted", True),
    ],
)
def test_a_prediction_has_ended_or_not(status: str, has_ended: bool) -> None:  # noqa: FBT001 - a parameter of the test
    body = b'{"id": "p1", "status": "%b"}' % status.encode()
    assert PARSER.read(body, signed(body)).has_ended is has_ended


def test_one_valid_signature_among_several_is_enough() -> None:
    headers = signed()
    headers["webhook-signature"] = f"v1,AAAA v1a,BBBB nonsense {headers['webhook-signature']}"
    assert PARSER.read(BODY, headers).prediction_id == "p1"


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": ""},
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "1"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": signed()["webhook-signature"].replace("v1,", "v2,")},
        signed(key=b"guessed"),
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


LONG_ID = b'{"id": "%b", "status": "succeeded"}' % (b"p" * 256)


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[]", b'{"id": 1}', b'{"status": "succeeded"}', b'{"id": "", "status": "x"}', LONG_ID],
)
def test_a_signed_body_that_is_not_a_prediction_is_refused(body: bytes) -> None:
    with pytest.raises(ForgedMessageError):
        PARSER.read(body, signed(body))


def test_a_message_id_that_no_index_holds_is_refused() -> None:
    longest = "m" * 255
    assert PARSER.read(BODY, signed(message_id=longest)).event_id == longest
    with pytest.raises(ForgedMessageError, match="255 characters"):
        PARSER.read(BODY, signed(message_id=longest + "m"))


def test_an_invalid_secret_is_reported_at_start() -> None:
    with pytest.raises(ValueError, match="base64"):
        ReplicateWebhookParser("whsec_!", CLOCK)
