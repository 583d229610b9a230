"""The comparison of the log with the restorer.

Every prediction of this shop must have ended, or its order must wait for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.order.order import Order
from domain.order.reactions import CollectRestoration, is_still_required, reaction_id_of
from domain.order.stream_integrity import followed
from domain.order.values import ImageId, OrderId
from domain.ports.errors import RefusedError
from domain.ports.provider_listings import ListedPrediction, PredictionListing
from domain.ports.reaction_queue import ReactionQueue, ScheduledReaction
from domain.ports.restorer import PredictionStatus, Restorer
from domain.ports.unit_of_work import HasEventStore, HasReactions, HasReconciliationQueries, UnitOfWork
from domain.signed_tokens import TokenSigner
from domain.use_cases.reconciliation.comparison import ComparisonContext, paged
from domain.use_cases.reconciliation.findings import Finding, FindingCase, FindingCode, Side, stream_broken


class PredictionComparisonRepositories(HasEventStore, HasReactions, HasReconciliationQueries, Protocol):
    """The repositories that the comparison of predictions reads and repairs."""


#: The last parts of a prediction's webhook URL: order, image, attempt and signed token.
_ADDRESS_PARTS = 4


@dataclass(frozen=True)
class _Awaited:
    order_id: OrderId
    work: CollectRestoration


@dataclass(eq=False, kw_only=True)
class PredictionComparison:
    """Compares running and successful predictions with the attempts awaiting one."""

    side = Side.RESTORER

    unit_of_work: UnitOfWork[PredictionComparisonRepositories]
    ledger: PredictionListing
    restorer: Restorer
    queue: ReactionQueue
    token_signer: TokenSigner

    def compare(self, context: ComparisonContext) -> Iterator[Finding]:
        """Yield predictions unknown to the log, and ended ones still awaited."""
        awaited = self._awaited(context)
        for page in paged(self.ledger.predictions(context.since, context.unreadable(self.side))):
            context.watch(len(page))
            with self.unit_of_work.transaction() as transaction:
                known = transaction.reconciliation_queries.known_predictions(
                    [each.prediction_id for each in page]
                )
            for listed in page:
                waiting = awaited.pop(listed.prediction_id, None)
                if waiting is not None:
                    yield from self._overdue(context, listed, waiting)
                elif listed.prediction_id not in known and _is_of_use(listed, context):
                    with context.isolated(self.side, "upload_of_prediction", listed.prediction_id):
                        yield from self._orphan(context, listed)
        for prediction_id, waiting in awaited.items():
            with context.isolated(self.side, "prediction", prediction_id):
                yield from self._unlisted(context, prediction_id, waiting)

    def _awaited(self, context: ComparisonContext) -> dict[str, _Awaited]:
        """Return the awaited predictions by id; all are held in memory."""
        awaited: dict[str, _Awaited] = {}
        with self.unit_of_work.transaction() as transaction:
            order_ids = transaction.reconciliation_queries.orders_since(context.since)
        for page in paged(order_ids):
            with self.unit_of_work.transaction() as transaction:
                streams = transaction.reconciliation_queries.streams(page)
            for order_id, stream in streams.items():
                order = followed(order_id, stream)
                works = _waits_for(order) if isinstance(order, Order) else []
                awaited |= {work.prediction_id: _Awaited(order_id, work) for work in works}
        return awaited

    def _overdue(
        self, context: ComparisonContext, listed: ListedPrediction, waiting: _Awaited
    ) -> Iterator[Finding]:
        has_ended = listed.ended_at is not None and listed.ended_at < context.settled_before
        if has_ended and self._is_awaited_still(waiting):
            finding = Finding(
                side=Side.RESTORER,
                what=FindingCode.PREDICTION_NOT_COLLECTED,
                subject=listed.prediction_id,
                order_id=waiting.order_id,
                since=listed.ended_at,
                case=FindingCase.LISTED,
                facts={"status": listed.status},
            )
            yield context.repair(finding, lambda: self._expedite(context, waiting))

    def _unlisted(
        self, context: ComparisonContext, prediction_id: str, waiting: _Awaited
    ) -> Iterator[Finding]:
        """Compare a prediction older than the listed ones by requesting it itself."""
        try:
            status = self.restorer.look(prediction_id).status
        except RefusedError:
            status = None
        if status is PredictionStatus.RUNNING or not self._is_awaited_still(waiting):
            return
        finding = Finding(
            side=Side.RESTORER,
            what=FindingCode.PREDICTION_NOT_COLLECTED if status else FindingCode.PREDICTION_UNKNOWN_THERE,
            subject=prediction_id,
            order_id=waiting.order_id,
            case=FindingCase.UNLISTED,
            facts={"status": status or "unknown"},
        )
        yield context.repair(finding, lambda: self._expedite(context, waiting)) if status else finding

    def _orphan(self, context: ComparisonContext, listed: ListedPrediction) -> Iterator[Finding]:
        """Compare an unrecorded prediction; it is ours if its webhook URL is."""
        waiting = self._named(listed)
        if waiting is None:
            return
        with self.unit_of_work.transaction() as transaction:
            unreadable = transaction.reconciliation_queries.unreadable_events([waiting.order_id])
        if unreadable:
            yield from map(stream_broken, unreadable)
            return
        with self.unit_of_work.transaction() as transaction:
            order = transaction.event_store.load(waiting.order_id)
            lines = transaction.reconciliation_queries.work([waiting.order_id]).get(waiting.order_id, [])
        image = order.images.get(waiting.work.image_id)
        if image is None:
            return
        open_work = {line.reaction_id for line in lines if line.is_open}
        if is_still_required(waiting.work, order):
            if reaction_id_of(waiting.order_id, waiting.work) not in open_work:
                finding = _orphaned(listed, waiting, FindingCase.STILL_REQUIRED)
                yield context.repair(finding, lambda: self._expedite(context, waiting))
        elif listed.status is PredictionStatus.RUNNING:
            finding = _orphaned(listed, waiting, FindingCase.STILL_RUNNING)
            yield context.repair(finding, lambda: self.restorer.cancel(listed.prediction_id))

    def _named(self, listed: ListedPrediction) -> _Awaited | None:
        """Return the attempt in the webhook URL, if this shop signed it."""
        parts = (self.ledger.address_of(listed) or "").split("/")[-_ADDRESS_PARTS:]
        try:
            order, image, attempt, token = parts
            order_id, image_id, number = OrderId(UUID(order)), ImageId(UUID(image)), int(attempt)
        except ValueError:
            return None
        if not self.token_signer.is_prediction_token(token, order_id, image_id, number):
            return None
        return _Awaited(order_id, CollectRestoration(image_id, number, listed.prediction_id))

    def _is_awaited_still(self, waiting: _Awaited) -> bool:
        with self.unit_of_work.transaction() as transaction:
            return waiting.work in _waits_for(transaction.event_store.load(waiting.order_id))

    def _expedite(self, context: ComparisonContext, waiting: _Awaited) -> None:
        reaction_id = reaction_id_of(waiting.order_id, waiting.work)
        scheduled = ScheduledReaction(
            reaction_id=reaction_id,
            order_id=waiting.order_id,
            reaction=waiting.work,
            due_at=context.now,
            sent_at=context.now,
        )
        with self.unit_of_work.transaction() as transaction:
            transaction.reactions.schedule([scheduled])  # reopens a reaction that was given up
            transaction.reactions.expedite(scheduled)
        self.queue.send([(reaction_id, waiting.work)])


def _waits_for(order: Order) -> list[CollectRestoration]:
    running = ((image, image.running) for image in order.images.values())
    works = [
        CollectRestoration(image.image_id, attempt.number, attempt.prediction_id)
        for image, attempt in running
        if attempt is not None and attempt.prediction_id is not None
    ]
    return [work for work in works if is_still_required(work, order)]


def _is_of_use(listed: ListedPrediction, context: ComparisonContext) -> bool:
    """Whether it runs or succeeded, and is older than the grace period."""
    return listed.status is not PredictionStatus.FAILED and listed.created_at < context.settled_before


def _orphaned(listed: ListedPrediction, waiting: _Awaited, case: FindingCase) -> Finding:
    return Finding(
        side=Side.RESTORER,
        what=FindingCode.PREDICTION_NOT_ON_RECORD,
        subject=listed.prediction_id,
        order_id=waiting.order_id,
        since=listed.created_at,
        case=case,
        facts={"status": listed.status},
    )
