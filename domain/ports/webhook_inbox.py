"""Webhook inbox."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.order.values import (
    Sha256,
)

#: In place of the fingerprint of a message that was never posted, but found on its provider's own list: should it be
#: posted yet, it conflicts with nothing.
UNSEEN = Sha256("0" * 64)


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A message under the id of another one, with other contents: one of the two is not what it seems."""

    source: str
    event_id: str
    event_type: str
    body_sha256: Sha256  # of the message that was set aside
    taken_sha256: Sha256  # of the one that was taken
    received_at: datetime


class WebhookInbox(Protocol):
    """What providers posted, each message once."""

    def accept(self, source: str, event_id: str, event_type: str, body_sha256: Sha256, now: datetime) -> bool:
        """Whether this message is new; one that was taken before is not, and stays as it was.

        Another message under the same id is set aside as a conflict and changes nothing.
        """
        ...

    def forget(self, before: datetime, limit: int) -> int:
        """Delete messages that were received before then, and return how many; such would be new again."""
        ...

    def conflicts(self) -> list[Conflict]:
        """The messages that were set aside, oldest first, each once however often it came."""
        ...
