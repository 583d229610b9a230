"""A paid photo with its attempts and results."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.order.events import SmallResultStored
from domain.order.values import FailureReason, ImageId, Money, StoredObject, Variant


class AttemptStatus(StrEnum):
    """The status of one attempt to restore an image."""

    RUNNING = "running"
    FAILED = "failed"
    COMPLETED = "completed"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt at the provider.

    If a lost reply left several predictions, ``prediction_id`` is the one that counts.
    """

    number: int
    status: AttemptStatus
    prediction_id: str | None
    model: str | None = None
    reason: FailureReason | None = None
    superseded: tuple[str, ...] = ()  # predictions of this attempt whose results are ignored


@dataclass(frozen=True, kw_only=True)
class Image:
    """A paid photo: uploaded, moved, restored or failed, perhaps redone."""

    image_id: ImageId
    upload: StoredObject
    share: Money  # of what was paid
    original: StoredObject | None = None
    restored: StoredObject | None = None
    earlier: tuple[StoredObject, ...] = ()  # the results that redos replaced, oldest first
    width: int | None = None
    height: int | None = None
    original_width: int | None = None  # pixels; known once there is a result
    original_height: int | None = None
    to_enlarge: SmallResultStored | None = None  # this round's result, while a larger one is attempted
    failure: FailureReason | None = None
    attempts: Mapping[int, Attempt] = field(default_factory=dict)
    redo_from: int | None = None  # the first attempt of the current redo
    redos: int = 0
    redos_by_customer: int = 0

    @property
    def is_settled(self) -> bool:
        """Whether the image is restored or has failed permanently."""
        return self.restored is not None or self.failure is not None

    @property
    def results(self) -> tuple[StoredObject, ...]:
        """Every result, newest first."""
        return (*([self.restored] if self.restored else []), *reversed(self.earlier))

    @property
    def attempt_of_result(self) -> Attempt | None:
        """The attempt that made the newest result.

        None if there is no result, or the result was found to be lost.
        """
        if self.restored is None:
            return None
        made = (a for a in self.attempts.values() if self.restored.key.endswith(f"/{a.prediction_id}"))
        return next((a for a in made if a.status is AttemptStatus.COMPLETED), None)

    @property
    def result_is_lost(self) -> bool:
        """Whether the storage has lost the newest result."""
        lost = (a for a in self.attempts.values() if a.reason is FailureReason.RESULT_LOST)
        return self.restored is not None and any(
            self.restored.key.endswith(f"/{a.prediction_id}") for a in lost
        )

    @property
    def was_redone(self) -> bool:
        """Whether a redo was ever requested."""
        return self.redos > 0

    @property
    def is_being_redone(self) -> bool:
        """Whether a requested redo has not ended yet."""
        return self.redo_from is not None

    @property
    def awaits_restorer(self) -> bool:
        """Whether a first or better result is still awaited."""
        return self.is_being_redone or not self.is_settled

    @property
    def running(self) -> Attempt | None:
        """The running attempt of the current round, if there is one."""
        of_this_round = (a for a in self.attempts.values() if a.number >= self._first_of_round)
        return next((a for a in of_this_round if a.status is AttemptStatus.RUNNING), None)

    @property
    def last_failure(self) -> FailureReason | None:
        """The failure reason of the newest attempt, if it failed."""
        newest = self.attempts.get(len(self.attempts))
        return newest.reason if newest is not None else None

    @property
    def next_attempt(self) -> int:
        """The number of the next attempt."""
        return len(self.attempts) + 1

    @property
    def variant(self) -> Variant:
        """How the next attempt is made.

        A redo, or an image that was refused permanently, uses the second variant; a small result is enlarged.
        """
        if self.to_enlarge is not None:
            return Variant.ENLARGE
        was_refused = any(a.reason is not None and a.reason.is_final for a in self.attempts.values())
        return Variant.SECOND if self.is_being_redone or was_refused else Variant.FIRST

    def spent(self, attempt: int) -> int:
        """The number of attempts used, ``attempt`` included.

        Counted from the first one of the redo or of the enlargement.
        """
        return attempt - self._first_of_round + 1

    def is_in_turn(self, attempt: int) -> bool:
        """Whether an attempt belongs to the current round.

        One of an earlier round does not, nor does one beyond the next attempt.
        """
        return self.awaits_restorer and self._first_of_round <= attempt <= self.next_attempt

    @property
    def _first_of_round(self) -> int:
        """The number of the current round's first attempt.

        A round is the first restoration, a redo, or an enlargement.
        """
        return self.to_enlarge.attempt + 1 if self.to_enlarge is not None else self.redo_from or 1

    def knows(self, prediction_id: str) -> bool:
        """Whether a prediction belongs to this image."""
        return any(
            prediction_id == attempt.prediction_id or prediction_id in attempt.superseded
            for attempt in self.attempts.values()
        )

    @property
    def open_predictions(self) -> tuple[str, ...]:
        """Predictions that may still run.

        They are canceled once the image's result is no longer required.
        """
        predictions: list[str] = []
        for attempt in self.attempts.values():
            predictions.extend(attempt.superseded)
            if attempt.status is AttemptStatus.RUNNING and attempt.prediction_id is not None:
                predictions.append(attempt.prediction_id)
        return tuple(predictions)
