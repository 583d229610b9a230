"""An order's story, told from its log as a person would tell it.

The log holds no personal data, so the story has none either: the customer is "the customer", and the photos are
numbered as they were uploaded.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from domain.order import events as e
from domain.order.customer_request_limits import VISITOR
from domain.order.deterministic_ids import note_of_payment_by_hand
from domain.order.evolve import apply
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import ImageId, RefundId, RefundReason
from domain.use_cases.audit.timeline_text import (
    in_plain_words,
    of_file,
    of_mail,
    of_mail_feedback,
    of_payment,
)
from domain.use_cases.wording.labels import (
    FAILURES,
    HOLDS,
    MAILS,
    OUTCOMES,
    POINTS,
    capitalised,
    counted,
    date_text,
    duration_text,
    every,
    listed,
    ordinal,
    size_text,
)
from domain.use_cases.wording.status_text import number_of, status_of

#: A silence of this length is a part of the story.
NOTEWORTHY_PAUSE = timedelta(minutes=1)

_TRIES = re.compile(r"attempt (\d+)\)$")  # how a worker's causes end, see ``working``
#: What says that a worker's work came to a good end; what it says of tries before is about that work alone.
_DONE = (
    e.ImagesMoved,
    e.RestorationStarted,
    e.DownloadPrepared,
    e.EmailSent,
    e.RefundAccepted,
    e.RefundIssued,
)

_NAMES = {
    "stripe": "Stripe",
    "replicate": "Replicate",
    "sendgrid": "SendGrid",
    "worker": "a worker",
    "customer": "the customer",
    VISITOR: "a visitor",
}


@dataclass(frozen=True, kw_only=True)
class TimelineEntry:
    """One event in words; ``pause`` is a sentence about the silence before it, when that was long."""

    recorded: e.RecordedEvent
    since_previous: timedelta | None  # none for the first
    who: str
    text: str
    pause: str | None


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """What happened to an order, and where it stands now."""

    title: str
    entries: tuple[TimelineEntry, ...]
    ending: str


def timeline_of(history: Iterable[e.RecordedEvent]) -> Timeline:
    """The story of one stream, which begins with its first event and holds at least that."""
    teller: _TimelineBuilder | None = None
    passages = []
    for recorded in history:
        teller = teller or _TimelineBuilder(order=Order(order_id=recorded.order_id))
        passages.append(teller.hear(recorded))
    if teller is None:
        raise ValueError("An order without events has no story: look for another order.")
    return Timeline(title=teller.title(), entries=tuple(passages), ending=status_of(teller.order))


def actor_name(actor: str) -> str:
    """An actor's name as people know it."""
    return _NAMES.get(actor, actor.removeprefix("person:"))


@dataclass
class _TimelineBuilder:
    """Hears one event after the other and remembers what later sentences refer back to."""

    order: Order  # before the event that is being told
    heard_at: datetime | None = None
    held_at: datetime | None = None
    began_at: dict[tuple[ImageId, int], datetime] = field(default_factory=dict)
    failed_at: dict[ImageId, datetime] = field(default_factory=dict)
    owed_since: dict[RefundId, datetime] = field(default_factory=dict)

    def hear(self, recorded: e.RecordedEvent) -> TimelineEntry:
        since = recorded.recorded_at - self.heard_at if self.heard_at else None
        after = apply(self.order, recorded)
        entry = TimelineEntry(
            recorded=recorded,
            since_previous=since,
            # The first versions of the shop recorded whatever was sent as the customer's doing.
            who=actor_name(VISITOR if isinstance(recorded.event, e.ResultServed) else recorded.actor),
            text=self._sentence(recorded, after),
            pause=self._pause(since),
        )
        self._remember(recorded)
        self.order, self.heard_at = after, recorded.recorded_at
        return entry

    def title(self) -> str:
        payment = self.order.payment
        if payment is None:
            return f"Order {self.order.order_id}"
        photos = counted(len(self.order.images), "photo")
        return f"Order {payment.order_number}: {photos}, {payment.paid} paid"

    def _pause(self, since: timedelta | None) -> str | None:
        if since is None or since < NOTEWORTHY_PAUSE:
            return None
        if self.order.is_held:
            return f"For {duration_text(since)} the order waited for a person."
        if self.order.state is State.RESTORING:
            return f"For {duration_text(since)} nothing new came from the restorer."
        return f"Nothing happened for {duration_text(since)}."

    def _remember(self, recorded: e.RecordedEvent) -> None:
        match recorded.event:
            case e.RestorationStarted() as event:
                self.began_at.setdefault((event.image_id, event.attempt), recorded.recorded_at)
            case e.RestorationAttemptFailed() as event:
                self.failed_at[event.image_id] = recorded.recorded_at
            case e.RefundRequested() as event:
                self.owed_since[event.refund_id] = recorded.recorded_at
            case e.OrderHeld():
                self.held_at = recorded.recorded_at
            case _:
                pass  # nothing refers back to it

    def _sentence(self, recorded: e.RecordedEvent, after: Order) -> str:
        told = capitalised(self._told(recorded, after))
        tries = _TRIES.search(recorded.cause) if isinstance(recorded.event, _DONE) else None
        if tries and int(tries[1]) > 1:
            told += f" It took {tries[1]} tries."
        return told

    def _told(self, recorded: e.RecordedEvent, after: Order) -> str:  # noqa: PLR0911, C901, PLR0912 -- a case per event
        event, at = recorded.event, recorded.recorded_at
        match event:
            case e.PaymentReceived():
                return of_payment(event)
            case e.ImagesMoved():
                moved, photos = len(event.images), len(after.images)
                which = f"{moved} of {photos} photos {'was' if moved == 1 else 'were'}"
                if moved == photos:
                    which = every(photos, "was", "were")
                return f"{which} moved to the order's own place and verified byte for byte."
            case e.RestorationStarted():
                return self._start(event, at)
            case e.RestorationAttemptFailed():
                return self._failed_attempt(event, at)
            case e.SmallResultStored():
                return (
                    f"{self._photo(event.image_id)} came back restored, smaller than the original "
                    f"({_sizes(event)}): it goes on to be enlarged."
                )
            case e.RestorationCompleted():
                return self._restored(event, at, after)
            case e.RestorationFailed():
                share = after.images[event.image_id].share
                owed = f" Its share of {share} is owed to the customer." if share.amount else ""
                return f"{self._photo(event.image_id)} was given up: {FAILURES[event.reason]}.{owed}"
            case e.RedoRequested():
                by = "The customer" if event.by_customer else actor_name(recorded.actor)
                return f"{by} asked for another attempt at {self._photo(event.image_id)}; its first result is kept."
            case e.RedoFailed():
                photo = self._photo(event.image_id)
                return f"another attempt at {photo} brought nothing ({FAILURES[event.reason]}): its result stays."
            case e.DownloadPrepared():
                packed = counted(len(event.image_ids), "restored photo")
                were = "was" if len(event.image_ids) == 1 else "were"
                size = size_text(event.archive.size_bytes)
                return (
                    f"{packed} {were} packed into one archive ({size}); "
                    f"its download link is good until {date_text(event.expires_at)}."
                )
            case e.DownloadLinkIssued():
                return f"A new download link was made; it is good until {date_text(event.expires_at)}."
            case e.DownloadLinkRevoked():
                return "A download link was revoked: it opens nothing any more."
            case e.EmailRequested():
                return f"{MAILS[event.kind]} is to be sent beside those before."
            case e.EmailSent() | e.EmailUnconfirmed() | e.EmailFailed():
                return of_mail(event, recorded.actor, self.order, after)
            case e.EmailBounced() | e.EmailDeferred() | e.EmailBlocked() | e.EmailOptedOut():
                return of_mail_feedback(event)
            case e.ResultServed() | e.ResultDownloaded():
                what = "the whole archive" if event.image_id is None else self._photo(event.image_id)
                return of_file(event, what, self.order.links[event.link_id])
            case e.RefundRequested() | e.RefundAccepted() | e.RefundIssued() | e.RefundFailed():
                return self._refund(event, at, after)
            case e.RefundDropped():
                amount = self.order.refunds[event.refund_id].amount
                return f"The refund of {amount} is not owed any more: money that goes back another way takes its place."
            case e.PointsCredited() | e.PointsDebited():
                sign = "+" if isinstance(event, e.PointsCredited) else "-"
                return f"Points of a customer changed by {sign}{event.points}: {POINTS[event.reason]}."
            case e.DisputeOpened(is_inquiry=True):
                return (
                    f"The customer's bank asked about {event.amount} of the payment "
                    f"({in_plain_words(event.reason)}): an inquiry, which takes no money and stops nothing."
                )
            case e.DisputeOpened():
                return (
                    f"The customer's bank disputed {event.amount} of the payment ({in_plain_words(event.reason)}); "
                    "delivery pauses until it decides."
                )
            case e.DisputeClosed():
                return OUTCOMES[event.outcome]
            case e.OrderHeld():
                return f"The order was put on hold, because {HOLDS[event.reason]}."
            case e.OrderReleased():
                waited = f" after {duration_text(at - self.held_at)} on hold" if self.held_at else ""
                return f"{actor_name(recorded.actor)} let the order go on{waited}."
            case e.NoteAdded():
                return f"{actor_name(recorded.actor)} wrote a note about the order."
            case e.PhotosPurged():
                return "Originals, restored photos and archive were deleted: their retention was over."
            case e.OrderErased():
                return "The customer's personal data and photos were erased; the figures stay for the books."
            case _:
                assert_never(event)

    def _photo(self, image_id: ImageId) -> str:
        return f"photo {number_of(self.order, image_id)}"

    def _photos(self, image_ids: Iterable[ImageId]) -> str:
        numbers = [str(number_of(self.order, image_id)) for image_id in image_ids]
        return f"{'photo' if len(numbers) == 1 else 'photos'} {listed(numbers)}"

    def _start(self, event: e.RestorationStarted, at: datetime) -> str:
        photo = self._photo(event.image_id)
        if (event.image_id, event.attempt) in self.began_at:
            return f"{photo} was handed over once more, because the answer to the first request was lost."
        image = self.order.images[event.image_id]
        if image.to_enlarge is not None:
            return f"the restored {photo} was handed over to be enlarged ({event.model})."
        if event.attempt == 1:
            return f"{photo} went to the restorer ({event.model})."
        failed_at = self.failed_at.get(event.image_id)
        later = f", {duration_text(at - failed_at)} after the last one failed" if failed_at else ""
        return f"the {ordinal(event.attempt)} attempt to restore {photo} began{later}."

    def _failed_attempt(self, event: e.RestorationAttemptFailed, at: datetime) -> str:
        took = self._took(event.image_id, event.attempt, at)
        deed = "restore" if self.order.images[event.image_id].to_enlarge is None else "enlarge"
        attempt = f"The {ordinal(event.attempt)} attempt to {deed} {self._photo(event.image_id)}"
        return f"{attempt} failed{f' after {took}' if took else ''}: {FAILURES[event.reason]}."

    def _restored(self, event: e.RestorationCompleted, at: datetime, after: Order) -> str:
        took = self._took(event.image_id, event.attempt, at)
        picture = f"{_sizes(event)}, {size_text(event.restored.size_bytes)}"
        if image_small := self.order.images[event.image_id].to_enlarge:
            is_small = image_small.prediction_id == event.prediction_id
            what = "could not be enlarged and stays as it was restored" if is_small else "was enlarged"
            return f"{self._photo(event.image_id)} {what} ({picture})."
        told = (
            f"{self._photo(event.image_id)} came back restored{f' after {took}' if took else ''} ({picture})"
        )
        is_last = after.every_image_is_settled and len(after.images) > 1
        return f"{told}, the last one to come." if is_last else f"{told}."

    def _took(self, image_id: ImageId, attempt: int, at: datetime) -> str:
        began_at = self.began_at.get((image_id, attempt))
        return duration_text(at - began_at) if began_at else ""

    def _refund(
        self,
        event: e.RefundRequested | e.RefundAccepted | e.RefundIssued | e.RefundFailed,
        at: datetime,
        after: Order,
    ) -> str:
        amount = after.refunds[event.refund_id].amount
        match event:
            case e.RefundRequested(reason=RefundReason.NOT_RESTORED):
                photos = self._photos(event.image_ids)
                return f"The shop resolved to pay back {amount} for {photos}, which could not be restored."
            case e.RefundRequested(reason=RefundReason.REQUESTED):
                return f"Somebody at the shop asked for {amount} to be paid back."
            case e.RefundRequested():
                return f"A refund of {amount} was asked for at the payment provider itself."
            case e.RefundAccepted():
                return f"The payment provider accepted the refund of {amount}: it is on its way and not paid yet."
            case e.RefundIssued():
                since = self.owed_since.get(event.refund_id)
                later = f", {duration_text(at - since)} after it was resolved" if since and at > since else ""
                by_hand = note_of_payment_by_hand(event.provider_refund_id) is not None
                way = ", paid another way than by the payment provider" if by_hand else ""
                end = "; with that, all that was paid went back" if after.everything_is_refunded else ""
                return f"{amount} went back to the customer{way}{later}{end}."
            case e.RefundFailed():
                return f"The refund of {amount} failed ({in_plain_words(event.reason)}): the money is still owed."


def _sizes(event: e.SmallResultStored | e.RestorationCompleted) -> str:
    """The pixels of a result, and of its original where they are known."""
    result = f"{event.width} x {event.height} pixels"
    if event.original_width is None:
        return result
    return f"{result}; the original has {event.original_width} x {event.original_height}"
