"""Handling of the restorer's webhook events.

The prediction itself is collected by ``predictions``.
"""

from dataclasses import dataclass
from typing import Protocol

from domain.order.actors import RESTORER
from domain.order.reactions import CollectRestoration, reaction_id_of
from domain.order.values import ImageId, OrderId, Sha256
from domain.ports.clock import Clock
from domain.ports.errors import (
    ForgedMessageError,
)
from domain.ports.reaction_queue import ReactionQueue, ScheduledReaction
from domain.ports.restorer import PredictionWebhookEvent
from domain.ports.unit_of_work import HasReactions, HasWebhookInbox, UnitOfWork
from domain.signed_tokens import TokenSigner


class PredictionWebhookRepositories(HasReactions, HasWebhookInbox, Protocol):
    """The repositories that a prediction webhook writes to."""


@dataclass(eq=False, kw_only=True)
class PredictionWebhook:
    """Handle the restorer's webhook events.

    An event only triggers the collection of a prediction; its content is never trusted.
    """

    unit_of_work: UnitOfWork[PredictionWebhookRepositories]
    queue: ReactionQueue
    token_signer: TokenSigner
    clock: Clock

    def verify_token(self, token: str, order_id: OrderId, image_id: ImageId, attempt: int) -> None:
        """Raise ForgedMessageError unless the webhook URL's signed token is this shop's."""
        if not self.token_signer.is_prediction_token(token, order_id, image_id, attempt):
            raise ForgedMessageError(RESTORER, "its address was not made by this shop")

    def handle(
        self,
        webhook_event: PredictionWebhookEvent,
        order_id: OrderId,
        image_id: ImageId,
        attempt: int,
        body_sha256: Sha256,
    ) -> None:
        """Expedite the collection of an ended prediction; idempotent by inbox.

        The event may arrive before the start is recorded, or for a start whose response was lost. Both are harmless:
        the reaction is inserted under the deterministic id that the start would give it.
        """
        if not webhook_event.has_ended:
            return
        now = self.clock.now()
        work = CollectRestoration(image_id, attempt, webhook_event.prediction_id)
        scheduled = ScheduledReaction(
            reaction_id=reaction_id_of(order_id, work),
            order_id=order_id,
            reaction=work,
            due_at=now,
            sent_at=now,
        )
        with self.unit_of_work.transaction() as transaction:
            if not transaction.webhook_inbox.accept(
                RESTORER, webhook_event.event_id, "prediction", body_sha256, now
            ):
                return
            transaction.reactions.expedite(scheduled)
        self.queue.send([(scheduled.reaction_id, work)])
