"""Prediction webhook."""

from domain.order.reactions import CollectRestoration, reaction_id_of
from domain.order.values import ImageId, OrderId, Sha256
from domain.ports.clock import Clock
from domain.ports.errors import (
    ForgedMessageError,
)
from domain.ports.reaction_queue import ReactionQueue, Scheduled
from domain.ports.restorer import RestorationNotice
from domain.ports.unit_of_work import Books
from domain.signed_tokens import Sealer
from domain.use_cases.restoration.predictions import SOURCE


class RestorationDesk:
    """Takes in what the restorer posts: that there is something to collect, never what it is."""

    def __init__(self, *, books: Books, queue: ReactionQueue, sealer: Sealer, clock: Clock) -> None:
        self._books = books
        self._queue = queue
        self._sealer = sealer
        self._clock = clock

    def require_mark(self, mark: str, order_id: OrderId, image_id: ImageId, attempt: int) -> None:
        """Raise ForgedMessageError unless this shop made the address that is posted to."""
        if not self._sealer.is_restoration_mark(mark, order_id, image_id, attempt):
            raise ForgedMessageError(SOURCE, "its address was not made by this shop")

    def take(
        self,
        notice: RestorationNotice,
        order_id: OrderId,
        image_id: ImageId,
        attempt: int,
        body_sha256: Sha256,
    ) -> None:
        """Have the prediction collected now instead of at the next look.

        The notice may come before the start is on record, or of a start whose reply was lost: the work is inserted
        under the id that it will have, so nothing of that matters.
        """
        if not notice.has_ended:
            return
        now = self._clock.now()
        work = CollectRestoration(image_id, attempt, notice.prediction_id)
        scheduled = Scheduled(
            reaction_id=reaction_id_of(order_id, work),
            order_id=order_id,
            reaction=work,
            due_at=now,
            sent_at=now,
        )
        with self._books.transaction() as transaction:
            if not transaction.inbox.take(SOURCE, notice.event_id, "prediction", body_sha256, now):
                return
            transaction.reactions.hasten(scheduled)
        self._queue.send([(scheduled.reaction_id, work)])
