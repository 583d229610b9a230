"""The webhook inbox in memory."""

from datetime import datetime

from domain.order.values import Sha256
from domain.ports.webhook_inbox import UNSEEN, Conflict, WebhookInbox
from tests.doubles.tables import Tables


class InMemoryWebhookInbox(WebhookInbox):
    """Webhook events, each accepted once."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def accept(self, source: str, event_id: str, event_type: str, body_sha256: Sha256, now: datetime) -> bool:
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
