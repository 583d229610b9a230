"""Start, poll, collect and cancel predictions at the restorer.

How often a photo is attempted, and when it is given up, is in ``domain/order/restoration_attempts.py``; how often a
failed call is retried, and what is recorded after the last one, in the table ``REACTIONS`` of
``domain/use_cases/reaction_handlers.py``; how many predictions run at a time, in ``prediction_limits``.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import SEEK_END
from typing import BinaryIO

from domain.object_keys import result_key
from domain.order import events as e
from domain.order.order import Order
from domain.order.reactions import CollectRestoration, RestoreImage
from domain.order.values import FailureReason, ImageId, PhotoId, Sha256, StoredObject, Variant
from domain.ports.clock import Clock
from domain.ports.errors import (
    ObjectDiffersError,
    ObjectMissingError,
    RefusedError,
    UnreadableImageError,
)
from domain.ports.images import ImageFacts, ImageInspector
from domain.ports.object_storage import ObjectStorage
from domain.ports.observer import Observer
from domain.ports.restorer import Prediction, PredictionStatus, Restorer
from domain.ports.scratch_files import ScratchFiles
from domain.ports.unit_of_work import HasUploadSessions, UnitOfWork
from domain.signed_tokens import TokenSigner
from domain.use_cases.delivery.verified_reading import read_verified
from domain.use_cases.recovery.object_labels import result_labels
from domain.use_cases.restoration.originals import lost_file
from domain.use_cases.restoration.output_validation import is_smaller, validate_output
from domain.use_cases.shop_policy import ShopPolicy

#: How long after the shop's deadline the restorer ends a prediction itself, should the shop not cancel it.
GRACE = timedelta(minutes=1)

_CHUNK_BYTES = 1024 * 1024


class StillRunning(Exception):  # noqa: N818 -- not an error: the result is not ready yet
    """The prediction has not ended: poll again after ``wait``."""

    def __init__(self, wait: timedelta) -> None:
        self.wait = wait
        super().__init__(f"It has not ended yet: look again in {wait}.")


class OriginalLostError(Exception):
    """The stored original is missing, or its checksum differs."""

    def __init__(self, reason: FailureReason) -> None:
        self.reason = reason
        super().__init__(f"The original cannot be restored ({reason}).")


@dataclass(eq=False, kw_only=True)
class PredictionService:
    """Start, collect and cancel predictions."""

    unit_of_work: UnitOfWork[HasUploadSessions]
    restorer: Restorer
    storage: ObjectStorage
    inspector: ImageInspector
    output_inspector: ImageInspector
    scratch: ScratchFiles
    token_signer: TokenSigner
    clock: Clock
    policy: ShopPolicy
    observer: Observer

    def restore_image(self, order: Order, work: RestoreImage) -> Sequence[e.Event]:
        """Start a prediction and return the resulting event.

        A missing, changed or unreadable original fails the photo for good.
        """
        try:
            return self._hand_over(order, work)
        except OriginalLostError as lost:
            return [_failed(work, None, lost.reason)]

    def _hand_over(self, order: Order, work: RestoreImage) -> Sequence[e.Event]:
        """Start a prediction, with a webhook URL that identifies this attempt."""
        image = order.images[work.image_id]
        if image.to_enlarge is not None and not self.policy.limits.enlarges_results:
            return [_failed(work, None, FailureReason.REFUSED_INPUT)]
        source = _original(order, work.image_id) if image.to_enlarge is None else image.to_enlarge.restored
        with self._opened(source) as picture:
            try:
                upright, media_type = self.inspector.upright(picture)
            except UnreadableImageError:
                return [_failed(work, None, FailureReason.UNREADABLE_INPUT)]
            token = self.token_signer.prediction_token(order.order_id, work.image_id, work.attempt)
            address = f"{order.order_id}/{work.image_id}/{work.attempt}/{token}"
            try:
                started = self.restorer.start(
                    upright,
                    media_type=media_type,
                    webhook_url=self.policy.urls.prediction_webhook.replace("{attempt}", address),
                    variant=image.variant,
                    ends_within=self.policy.predictions.deadline + GRACE,
                )
            except RefusedError:
                return [_failed(work, None, FailureReason.REFUSED_INPUT)]
        self.observer.prediction_started(started.model, is_failover=image.variant is not Variant.FIRST)
        return [
            e.RestorationStarted(
                image_id=work.image_id,
                attempt=work.attempt,
                prediction_id=started.prediction_id,
                model=started.model,
            )
        ]

    def collect(self, order: Order, work: CollectRestoration, *, first_due_at: datetime) -> Sequence[e.Event]:
        """Fetch a prediction's outcome; after the deadline, cancel it first.

        Raises StillRunning while it runs within the deadline.
        """
        prediction = self.restorer.look(work.prediction_id)
        # The first poll is due one poll interval after the start.
        waited = self.clock.now() - first_due_at + self.policy.limits.restoration_poll
        is_overdue = waited >= self.policy.predictions.deadline
        if prediction.status is PredictionStatus.RUNNING:
            if not is_overdue:
                raise StillRunning(self.policy.limits.restoration_poll)
            self.restorer.cancel(work.prediction_id)
            # It may have succeeded between the poll and the cancellation.
            prediction = self.restorer.look(work.prediction_id)
        if prediction.status is PredictionStatus.SUCCEEDED:
            outcome = self._fetch(order, work, prediction)
        else:
            reason = _reason(prediction, is_overdue=is_overdue)
            prediction = replace(prediction, status=PredictionStatus.FAILED, failure=reason)
            outcome = _failed(work, work.prediction_id, reason)
        # Not before the output was fetched: if that fails, this is repeated.
        self.observer.prediction_ended(order, prediction)
        return [*_begun(order, work, prediction, outcome), outcome]

    def cancel(self, prediction_id: str) -> Sequence[e.Event]:
        """Cancel a prediction that no order needs; nothing is recorded."""
        self.restorer.cancel(prediction_id)
        return []

    @contextmanager
    def _opened(self, original: StoredObject) -> Iterator[BinaryIO]:
        """Open an original after verifying its checksum; raises OriginalLostError."""
        with self.scratch.file() as picture:
            try:
                for chunk in read_verified(self.storage, original):
                    picture.write(chunk)
            except (ObjectMissingError, ObjectDiffersError) as error:
                raise OriginalLostError(lost_file(error)) from error
            picture.seek(0)
            yield picture

    def _fetch(self, order: Order, work: CollectRestoration, prediction: Prediction) -> e.Event:
        with self.scratch.file() as output:
            try:
                self.restorer.fetch(prediction.output_url or "", output)
            except RefusedError:
                return _failed(work, work.prediction_id, FailureReason.BAD_OUTPUT)
            checked = self._checked(order, work, output)
            if isinstance(checked, FailureReason):
                return _failed(work, work.prediction_id, checked)
            original, facts, finished = checked
            size_bytes = finished.seek(0, SEEK_END)
            finished.seek(0)
            restored: StoredObject = self.storage.put(
                result_key(order.order_id, work.prediction_id),
                finished,
                size_bytes=size_bytes,
                media_type=facts.media_type,
                labels=result_labels(order, work.image_id, facts.width, facts.height),
            )
        is_enlarged = order.images[work.image_id].to_enlarge is not None
        is_to_be_enlarged = (
            self.policy.limits.enlarges_results and not is_enlarged and is_smaller(facts, original)
        )
        result = e.SmallResultStored if is_to_be_enlarged else e.RestorationCompleted
        return result(
            image_id=work.image_id,
            attempt=work.attempt,
            prediction_id=work.prediction_id,
            restored=restored,
            width=facts.width,
            height=facts.height,
            original_width=original.width,
            original_height=original.height,
        )

    def _checked(
        self, order: Order, work: CollectRestoration, output: BinaryIO
    ) -> FailureReason | tuple[ImageFacts, ImageFacts, BinaryIO]:
        """The original's facts, the result's, and the result; or why it fails."""
        small = order.images[work.image_id].to_enlarge
        with ExitStack() as files:
            picture: BinaryIO | None = None
            original = self._inspected_at_upload(work.image_id)
            try:
                if original is None or not original.is_opaque:
                    picture = files.enter_context(self._opened(_original(order, work.image_id)))
                    original = original or self.inspector.inspect(picture)
            except OriginalLostError as lost:
                return lost.reason
            except UnreadableImageError:
                return FailureReason.UNREADABLE_INPUT
            try:
                finished, facts = self.output_inspector.finished(output, picture)
            except UnreadableImageError:
                return FailureReason.BAD_OUTPUT
        flaw = validate_output(facts, original)
        if flaw is None and small is not None and facts.pixels <= small.width * small.height:
            flaw = FailureReason.BAD_OUTPUT
        if flaw is None and _sha256_of(finished) in _known_results(order, work.image_id):
            flaw = FailureReason.REPEATED_OUTPUT
        return flaw or (original, facts, finished)

    def _inspected_at_upload(self, image_id: ImageId) -> ImageFacts | None:
        """What the inspection of the upload, which has the original's bytes, found."""
        with self.unit_of_work.transaction() as transaction:
            return transaction.upload_sessions.inspected(PhotoId(image_id))


def _begun(
    order: Order, work: CollectRestoration, prediction: Prediction, outcome: e.Event
) -> Sequence[e.Event]:
    """The missing start event of a prediction that has ended.

    It is recorded before the outcome, so that the log has no outcome without a start. Empty if the start is recorded,
    and for an unknown prediction that failed while another is running: the order ignores it.
    """
    image = order.images[work.image_id]
    is_ignored = isinstance(outcome, e.RestorationAttemptFailed) and image.running is not None
    if image.knows(work.prediction_id) or is_ignored:
        return []
    started = e.RestorationStarted(
        image_id=work.image_id,
        attempt=work.attempt,
        prediction_id=work.prediction_id,
        model=prediction.model,
    )
    return [started]


def _sha256_of(file: BinaryIO) -> Sha256:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return Sha256(digest.hexdigest())


def _known_results(order: Order, image_id: ImageId) -> set[Sha256]:
    """Checksums of an image's earlier results, to reject a repeated output."""
    return {result.sha256 for result in order.images[image_id].results}


def _original(order: Order, image_id: ImageId) -> StoredObject:
    original = order.images[image_id].original
    if original is None:
        raise AssertionError(f"Image {image_id} is restored before it was moved.")
    return original


def _reason(prediction: Prediction, *, is_overdue: bool) -> FailureReason:
    """Why a prediction has no output.

    One that is cancelled after the deadline timed out: the shop cancelled it, or was about to.
    """
    if prediction.status is PredictionStatus.RUNNING:
        return FailureReason.TIMED_OUT
    if is_overdue and prediction.failure is FailureReason.CANCELED:
        return FailureReason.TIMED_OUT
    return prediction.failure or FailureReason.PROVIDER_ERROR


def _failed(
    work: RestoreImage | CollectRestoration, prediction_id: str | None, reason: FailureReason
) -> e.RestorationAttemptFailed:
    return e.RestorationAttemptFailed(
        image_id=work.image_id, attempt=work.attempt, prediction_id=prediction_id, reason=reason
    )
