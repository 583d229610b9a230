"""Verify and parse Replicate's webhooks, signed as Standard Webhooks."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from adapters.restorer_replicate.transport import PROVIDER
from adapters.webhooks.fields import LONGEST_ID, ProviderId, readable
from adapters.webhooks.signatures import TOLERANCE_SECONDS, check_age, matches_any
from domain.ports.clock import Clock
from domain.ports.errors import ForgedMessageError
from domain.ports.restorer import PredictionWebhookEvent

ENDED = frozenset({"succeeded", "failed", "canceled", "aborted"})


class ReplicateWebhookParser:
    """Verify and parse Replicate's webhooks.

    Raises ValueError for a secret that is not ``whsec_`` and base64.
    """

    def __init__(self, secret: str, clock: Clock, *, tolerance_seconds: float = TOLERANCE_SECONDS) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        self._clock = clock
        self._tolerance_seconds = tolerance_seconds

    def read(self, body: bytes, headers: Mapping[str, str]) -> PredictionWebhookEvent:
        message_id = headers.get("webhook-id", "")
        self._check(body, message_id, headers)
        try:
            prediction = _PREDICTION.decode(readable(body))
        except (msgspec.MsgspecError, ValueError) as error:
            raise ForgedMessageError(PROVIDER, f"it is not a valid prediction ({error})") from error
        return PredictionWebhookEvent(
            event_id=message_id, prediction_id=prediction.id, has_ended=prediction.status in ENDED
        )

    def _check(self, body: bytes, message_id: str, headers: Mapping[str, str]) -> None:
        timestamp = headers.get("webhook-timestamp", "")
        check_age(PROVIDER, timestamp, self._clock, self._tolerance_seconds)
        signed = b"%b.%b.%b" % (message_id.encode(), timestamp.encode(), body)
        expected = base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest())
        versions = (one.partition(",") for one in headers.get("webhook-signature", "").split())
        given = (value.encode() for version, _, value in versions if version == "v1")
        if not message_id or not matches_any([expected], given):
            raise ForgedMessageError(PROVIDER, "the signature does not match")
        if len(message_id) > LONGEST_ID:
            raise ForgedMessageError(PROVIDER, f"its id has more than {LONGEST_ID} characters")


class _Prediction(msgspec.Struct):
    id: ProviderId
    status: str


_PREDICTION = msgspec.json.Decoder(_Prediction)
