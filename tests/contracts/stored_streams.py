"""Sessions, photos, orders and reactions for the contracts, with unique ids."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from domain.order import events as e
from domain.order.order import Order
from domain.order.reactions import MoveImages, Reaction, reaction_id_of
from domain.order.values import CustomerId, ObjectKey, OrderId, PhotoId, StoredObject, UploadSessionId
from domain.ports.reaction_queue import Claim, ScheduledReaction
from domain.ports.resumable_uploads import ResumableUpload, ResumableUploadId
from domain.ports.unit_of_work import Database, Transaction
from domain.ports.upload_sessions import Checkout, UploadedPhoto, UploadSession, UploadStatus
from tests.domain.support.event_builders import Facts, euros, stored
from tests.domain.support.recording import step

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def session(opened_at: datetime = NOON, order_id: OrderId | None = None) -> UploadSession:
    return UploadSession(
        session_id=UploadSessionId(uuid4()),
        order_id=order_id or OrderId(uuid4()),
        status=UploadStatus.OPEN,
        opened_at=opened_at,
    )


def photo(file_name: str = "great-aunt-1931.jpg") -> UploadedPhoto:
    photo_id = PhotoId(uuid4())
    upload: StoredObject = stored(f"uploads/temp/{photo_id}")
    return UploadedPhoto(photo_id=photo_id, file_name=file_name, upload=upload, width=1600, height=1200)


def checkout(attempt: int = 1, *, expires_at: datetime = NOON + 30 * MINUTE) -> Checkout:
    return Checkout(attempt=attempt, quoted=euros(980), reserved_at=NOON, expires_at=expires_at)


def keys(photos: tuple[UploadedPhoto, ...]) -> set[ObjectKey]:
    return {each.upload.key for each in photos}


def facts(photos: int = 2) -> Facts:
    return Facts(order_id=OrderId(uuid4()), photos=photos)


def pay(transaction: Transaction, about: Facts, *, at: datetime = NOON) -> e.PaymentReceived:
    """Get an order's number and customer; return its first event."""
    customer_id, number = transaction.customers.receive(
        CustomerId(uuid4()), f"{uuid4()}@example.org", None, None, at.date()
    )
    return about.paid(number=number, customer_id=customer_id)


def take_order(unit_of_work: Database, about: Facts, *further: e.Event, at: datetime = NOON) -> Order:
    """Record an order, from its payment on."""
    with unit_of_work.transaction() as transaction:
        first = step(about.order_id, pay(transaction, about, at=at), *further, at=at)
        transaction.event_store.append(first)
    return first.after


def scheduled(
    about: Facts,
    reaction: Reaction | None = None,
    *,
    due_at: datetime = NOON,
    sent_at: datetime | None = None,
) -> ScheduledReaction:
    work = reaction or MoveImages()
    return ScheduledReaction(
        reaction_id=reaction_id_of(about.order_id, work),
        order_id=about.order_id,
        reaction=work,
        due_at=due_at,
        sent_at=sent_at,
    )


def schedule(unit_of_work: Database, *work: ScheduledReaction) -> None:
    with unit_of_work.transaction() as transaction:
        transaction.reactions.schedule(work)


def claim(
    unit_of_work: Database, work: ScheduledReaction, now: datetime = NOON, lease: timedelta = 5 * MINUTE
) -> Claim | None:
    with unit_of_work.transaction() as transaction:
        return transaction.reactions.claim(work.reaction_id, uuid4(), now, lease)


def claimed(
    unit_of_work: Database, work: ScheduledReaction, now: datetime = NOON, lease: timedelta = 5 * MINUTE
) -> Claim:
    found = claim(unit_of_work, work, now, lease)
    assert found is not None
    return found


def admit(
    unit_of_work: Database, now: datetime = NOON, *, max_running: int = 1000, max_per_minute: int = 1000
) -> list[tuple[UUID, Reaction]]:
    with unit_of_work.transaction() as transaction:
        return transaction.prediction_slots.grant(now, max_running=max_running, max_per_minute=max_per_minute)


class ChangeOfMindError(Exception):
    """Raised to roll a transaction back."""


@contextmanager
def rolled_back(unit_of_work: Database) -> Iterator[Transaction]:
    """A transaction that is rolled back."""
    try:
        with unit_of_work.transaction() as transaction:
            yield transaction
            raise ChangeOfMindError  # noqa: TRY301 -- to roll back is the point
    except ChangeOfMindError:
        pass


def resumable(
    session_id: UploadSessionId, file_name: str = "great-aunt-1931.jpg", *, size_bytes: int = 100
) -> ResumableUpload:
    return ResumableUpload(
        upload_id=ResumableUploadId(uuid4()),
        session_id=session_id,
        file_name=file_name,
        metadata="filename Z3JlYXQtYXVudC0xOTMxLmpwZw==",
        size_bytes=size_bytes,
        expires_at=NOON,
    )
