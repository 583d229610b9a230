"""The port for the provider of restoration models."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import BinaryIO, Protocol

from domain.order.values import FailureReason, Variant


@dataclass(frozen=True, kw_only=True)
class StartedPrediction:
    """A prediction that the provider accepted."""

    prediction_id: str
    model: str  # owner/name, with the version where one is pinned


class PredictionStatus(StrEnum):
    """The status of a prediction."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A prediction's state: ``output_url`` on success, ``failure`` on failure."""

    prediction_id: str
    status: PredictionStatus
    model: str
    output_url: str | None = None
    failure: FailureReason | None = None
    detail: str = ""  # the provider's own text, for logs only, never for events
    run_seconds: float | None = (
        None  # how long the model ran; none until it has ended, or where it is not stated
    )


class Restorer(Protocol):
    """Restores images through a provider.

    Methods raise UnavailableError, LostReplyError, BusyError or RefusedError.
    """

    def start(
        self,
        picture: BinaryIO,
        *,
        media_type: str,
        webhook_url: str,
        variant: Variant,
        ends_within: timedelta,
    ) -> StartedPrediction:
        """Start a prediction; its end is posted to ``webhook_url``.

        It is not idempotent: a repeat starts a second prediction. The provider cancels it after ``ends_within``, so
        that none runs forever, whatever happens to the shop.

        Both variants exist with or without a second model: without one, the second is the first model with other
        settings.
        """

    def look(self, prediction_id: str) -> Prediction:
        """A prediction's state; a success without output is a BAD_OUTPUT failure."""

    def fetch(self, output_url: str, target: BinaryIO) -> int:
        """Write an output to ``target``; return its length in bytes.

        Only the provider's hosts are contacted, redirects are not followed, credentials are not sent, and the size is
        bounded. Raise RefusedError where a URL or an output violates this, or the output no longer exists.
        """

    def cancel(self, prediction_id: str) -> None:
        """Cancel a prediction; an ended or unknown one is ignored."""


@dataclass(frozen=True, kw_only=True)
class PredictionWebhookEvent:
    """A signed webhook event: a prediction changed.

    The prediction's state is looked up at the provider, not taken from the event.
    """

    event_id: str
    prediction_id: str
    has_ended: bool


class PredictionWebhookParser(Protocol):
    """Parses the restorer's webhook requests."""

    def read(self, body: bytes, headers: Mapping[str, str]) -> PredictionWebhookEvent:
        """Verify the signature of the raw bytes, then parse.

        Raise ForgedMessageError. Header names are lower case.
        """
