"""The port for the inbox of received webhook events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.order.values import (
    Sha256,
)

#: The checksum of an event that was never delivered, but found in its provider's listing: if it is delivered later,
#: it conflicts with nothing.
UNSEEN = Sha256("0" * 64)


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """An event whose id was received before with another body.

    One of the two is not genuine.
    """

    source: str
    event_id: str
    event_type: str
    body_sha256: Sha256  # of the event that was quarantined
    taken_sha256: Sha256  # of the event that was accepted
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class ReceivedEvent:
    """A webhook event as it arrived, without its contents."""

    event_id: str
    event_type: str
    body_sha256: Sha256


class WebhookInbox(Protocol):
    """Received webhook events, each stored once."""

    def accept(self, source: str, event_id: str, event_type: str, body_sha256: Sha256, now: datetime) -> bool:
        """Whether this event is new; see ``accept_all``."""
        received = ReceivedEvent(event_id=event_id, event_type=event_type, body_sha256=body_sha256)
        return bool(self.accept_all(source, [received], now))

    def accept_all(self, source: str, received: Sequence[ReceivedEvent], now: datetime) -> set[str]:
        """The ids of the new events.

        Known ones stay as they were. Another body under a known id is quarantined as a conflict and changes nothing.
        No id is given twice.
        """

    def forget(self, before: datetime, limit: int) -> int:
        """Delete events received before; return how many.

        A deleted event would be new again.
        """

    def conflicts(self) -> list[Conflict]:
        """The quarantined events, oldest first, each once."""
