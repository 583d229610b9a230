"""Restoration, as the shop needs it from a provider of models."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import BinaryIO, Protocol

from domain.order.values import FailureReason, Variant


@dataclass(frozen=True, kw_only=True)
class StartedPrediction:
    """Work the provider has taken in hand."""

    prediction_id: str
    model: str  # owner/name, with the version where one is pinned


class PredictionStatus(StrEnum):
    """How far a prediction has come."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A prediction as the provider tells it now; ``output_url`` belongs to success, ``failure`` to failure."""

    prediction_id: str
    status: PredictionStatus
    model: str
    output_url: str | None = None
    failure: FailureReason | None = None
    detail: str = ""  # the provider's own words, for the log line, never for the event


class Restorer(Protocol):
    """Restores pictures elsewhere. Methods raise UnavailableError, LostReplyError, BusyError or RefusedError."""

    def start(
        self,
        picture: BinaryIO,
        *,
        media_type: str,
        webhook_url: str,
        variant: Variant,
        ends_within: timedelta,
    ) -> StartedPrediction:
        """Hand a picture over; its end is posted to ``webhook_url``. A repeat starts a second prediction.

        After ``ends_within`` the provider cancels it by itself: whatever becomes of the shop, nothing runs for ever.

        Both variants exist whether or not there is a second model: the first with other settings stands in for it.
        """
        ...

    def look(self, prediction_id: str) -> Prediction:
        """How far it has come. Success without any output is told as failure with BAD_OUTPUT."""
        ...

    def fetch(self, output_url: str, target: BinaryIO) -> int:
        """Write an output to ``target`` and tell its length in bytes.

        Only the provider's own hosts are asked, redirects are not followed, our credentials are not sent, and the
        size is bounded; raises RefusedError where that would be broken or the output is gone.
        """
        ...

    def cancel(self, prediction_id: str) -> None:
        """Stop a prediction; one that has ended or never was is no error."""
        ...


@dataclass(frozen=True, kw_only=True)
class PredictionWebhookEvent:
    """A signed message that a prediction changed; what became of it is asked of the provider, not of the message."""

    event_id: str
    prediction_id: str
    has_ended: bool


class PredictionWebhookParser(Protocol):
    """Reads what the restorer posts."""

    def read(self, body: bytes, headers: Mapping[str, str]) -> PredictionWebhookEvent:
        """Check the signature on the raw bytes, then parse; raises ForgedMessageError. Header names are lower case."""
        ...
