"""The webhook inbox in memory."""

from collections.abc import Sequence
from datetime import datetime

from domain.ports.webhook_inbox import UNSEEN, Conflict, ReceivedEvent, WebhookInbox
from tests.doubles.tables import Tables


class InMemoryWebhookInbox(WebhookInbox):
    """Webhook events, each accepted once."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def accept_all(self, source: str, received: Sequence[ReceivedEvent], now: datetime) -> set[str]:
        return {each.event_id for each in received if self._accept(source, each, now)}

    def _accept(self, source: str, received: ReceivedEvent, now: datetime) -> bool:
        event_id, event_type, body_sha256 = received.event_id, received.event_type, received.body_sha256
        is_new = (source, event_id) not in self._pages.inbox
        _, taken_sha256, _ = self._pages.inbox.setdefault((source, event_id), (event_type, body_sha256, now))
        if taken_sha256 != body_sha256 and UNSEEN not in {taken_sha256, body_sha256}:
            conflict = Conflict(
                source=source,
                event_id=event_id,
                event_type=event_type,
                body_sha256=body_sha256,
                taken_sha256=taken_sha256,
                received_at=now,
            )
            self._pages.conflicts.setdefault((source, event_id, body_sha256), conflict)
        return is_new

    def forget(self, before: datetime, limit: int) -> int:
        conflicting = {(source, event_id) for source, event_id, _ in self._pages.conflicts}
        found = [
            key
            for key, (_, _, received_at) in sorted(self._pages.inbox.items(), key=lambda item: item[1][2])
            if received_at < before and key not in conflicting
        ][:limit]
        for key in found:
            del self._pages.inbox[key]
        return len(found)

    def conflicts(self) -> list[Conflict]:
        return sorted(self._pages.conflicts.values(), key=lambda one: (one.received_at, one.event_id))
