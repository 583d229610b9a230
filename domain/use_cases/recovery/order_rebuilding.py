"""Rebuilding an order that the database has lost, from its payment, the storage and the mail provider."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.model import events as e
from domain.model.identity import download_link_id_of
from domain.model.order import EmailStatus, Order
from domain.model.seals import Sealer, sha256_of
from domain.model.values import (
    ImageId,
    ObjectKey,
    OrderId,
    OrderNumber,
    PhotoId,
    Sha256,
    StoredObject,
    UploadSessionId,
)
from domain.ports.books import Books
from domain.ports.errors import OutsideError
from domain.ports.ledgers import MailLedger
from domain.ports.mail import MailFate
from domain.ports.payments import CheckoutNotice
from domain.ports.storage import ObjectDescription, ObjectOwner, ObjectStore
from domain.ports.uploads import Checkout, UploadedPhoto, UploadSession, UploadStatus
from domain.ports.world import Clock
from domain.services.moving import Moving
from domain.services.policy import Policy
from domain.services.recording import Cause, Recorder
from domain.use_cases.recovery.object_labels import (
    EXPIRES_AT,
    FILE_NAME,
    HEIGHT,
    IMAGE_ID,
    LINK_ID,
    ORDER_NUMBER,
    WIDTH,
)

#: Who records what a restored database had lost.
ACTOR = "restore"

#: What a rebuilt attempt names as its model: the storage does not know it.
UNKNOWN_MODEL = "unknown"

#: How many links of an order can have been sent; more than the shop ever mints for one.
MOST_LINKS = 50


@dataclass(frozen=True, kw_only=True)
class _Result:
    """A restored photo in the storage."""

    image_id: ImageId
    prediction_id: str
    restored: StoredObject
    width: int
    height: int
    stored_at: datetime


class OrderRebuilding:
    """Finds what the storage and the mail provider know of an order, and records what is certain.

    Only objects that carry this shop's mark count. Nothing is sent, refunded or deleted here.
    """

    def __init__(
        self,
        *,
        books: Books,
        storage: ObjectStore,
        moving: Moving,
        mails: MailLedger,
        recorder: Recorder,
        sealer: Sealer,
        clock: Clock,
        policy: Policy,
    ) -> None:
        self._books = books
        self._storage = storage
        self._moving = moving
        self._mails = mails
        self._recorder = recorder
        self._sealer = sealer
        self._clock = clock
        self._policy = policy

    def restore_session(self, checkout: CheckoutNotice) -> bool:
        """Write down the upload session of a payment again, if its photos are there and cost what was paid.

        False, and nothing is written, if that is not certain: then photos may have been delivered and erased since.
        """
        session_id, order_id = checkout.upload_session_id, checkout.order_id
        if session_id is None or order_id is None:
            return False
        photos = self._photos(session_id, order_id)
        if not photos or self._policy.prices.quote(len(photos)) != checkout.paid + checkout.discount:
            return False
        now = self._clock.now()
        with self._books.transaction() as transaction:
            session = transaction.uploads.find(session_id, lock=True)
            if session is None:
                session = UploadSession(
                    session_id=session_id, order_id=order_id, status=UploadStatus.OPEN, opened_at=now
                )
                transaction.uploads.open(session)
            if session.status in {UploadStatus.PAID, UploadStatus.EXPIRED}:
                return False
            known = {photo.photo_id for photo in session.photos}
            if not known <= {photo.photo_id for photo in photos}:
                return False  # a photo is missing in the storage: a person has to look
            for photo in photos:
                if photo.photo_id not in known:
                    transaction.uploads.add_photo(session_id, photo)
            page = Checkout(
                attempt=session.checkout.attempt + 1 if session.checkout else 1,
                quoted=checkout.paid + checkout.discount,
                reserved_at=now,
                expires_at=now,
                checkout_session_id=checkout.checkout_session_id,
                referrer_id=session.checkout.referrer_id if session.checkout else None,
                spending=checkout.spending,
            )
            transaction.uploads.set_checkout(session_id, page)
        return True

    def number_of(self, order_id: OrderId) -> OrderNumber | None:
        """The number that an order had, if an object tells it and no other order has it."""
        for described in self._ours(f"uploads/restored/{order_id}/"):
            number = described.labels.get(ORDER_NUMBER)
            if number:
                with self._books.transaction() as transaction:
                    is_free = transaction.shelf.find(OrderNumber(number)) is None
                return OrderNumber(number) if is_free else None
        return None

    def advance(self, order_id: OrderId, incident: str) -> bool:
        """Record what the storage and the mail provider know of an order beyond the log; true if that was anything.

        ``incident`` names the restore: the same is recorded once for each.
        """
        with self._books.transaction() as transaction:
            before = transaction.log.load(order_id)
        if before.payment is None:
            return False
        order = before
        for name, facts_of in (
            ("originals", self._originals),
            ("results", self._restorations),
            ("links", self._links),
            ("mails", self._emails),
        ):
            if facts := list(facts_of(order)):
                cause = Cause(
                    name="restored", key=f"{incident}:{name}", actor=ACTOR, correlation_id=order.order_id
                )
                order = self._recorder.record(order_id, facts, cause)
        return order.version > before.version

    def _originals(self, order: Order) -> Iterator[e.Event]:
        """The copies of the photos, if there are any; what is missing of them is copied now."""
        is_moved = all(image.original is not None for image in order.images.values())
        if not is_moved and any(True for _ in self._storage.keys(f"uploads/originals/{order.order_id}/")):
            yield from self._moving.move_images(order)

    def _restorations(self, order: Order) -> Iterator[e.Event]:
        """The start and the end of the attempt that each new result came from."""
        for result in self._results(order):
            image = order.images[result.image_id]
            attempt = image.running.number if image.running is not None else image.next_attempt
            yield e.RestorationStarted(
                image_id=result.image_id,
                attempt=attempt,
                prediction_id=result.prediction_id,
                model=UNKNOWN_MODEL,
            )
            yield e.RestorationCompleted(
                image_id=result.image_id,
                attempt=attempt,
                prediction_id=result.prediction_id,
                restored=result.restored,
                width=result.width,
                height=result.height,
            )

    def _results(self, order: Order) -> list[_Result]:
        """The newest result of each image that has none on record."""
        newest: dict[ImageId, _Result] = {}
        for described in self._ours(f"uploads/restored/{order.order_id}/"):
            labels = described.labels
            image_id = ImageId(UUID(labels[IMAGE_ID])) if IMAGE_ID in labels else None
            image = order.images.get(image_id) if image_id is not None else None
            if image_id is None or image is None or image.results or not {WIDTH, HEIGHT} <= set(labels):
                continue
            known = newest.get(image_id)
            if known is not None and known.stored_at >= described.stored_at:
                continue
            newest[image_id] = _Result(
                image_id=image_id,
                prediction_id=described.key.rpartition("/")[2],
                restored=self._stored(described, described.key),
                width=int(labels[WIDTH]),
                height=int(labels[HEIGHT]),
                stored_at=described.stored_at,
            )
        return list(newest.values())

    def _links(self, order: Order) -> Iterator[e.Event]:
        """The newest archive, under the first link; then every further link that was minted with an archive.

        A link's token follows from its id, so the links in mails that were sent open again.
        """
        archives = sorted(self._ours(f"downloads/{order.order_id}/"), key=lambda each: each.stored_at)
        if not archives or order.links or not order.restored_images:
            return
        newest = archives[-1]
        told = newest.labels.get(EXPIRES_AT)
        lifetime = self._policy.download_lifetime
        expires_at = datetime.fromisoformat(told) if told else self._clock.now() + lifetime
        ids = [download_link_id_of(order.order_id, sequence) for sequence in range(1, MOST_LINKS + 1)]
        minted = {each.labels.get(LINK_ID) for each in archives}
        last = max((place for place, link_id in enumerate(ids) if str(link_id) in minted), default=0)
        yield e.DownloadPrepared(
            link_id=ids[0],
            archive=self._stored(newest, newest.key),
            image_ids=tuple(image.image_id for image in order.restored_images),
            token_sha256=sha256_of(self._sealer.download_token(ids[0])),
            expires_at=expires_at,
            edition=order.edition,
        )
        for link_id in ids[1 : last + 1]:
            yield e.DownloadLinkIssued(
                link_id=link_id,
                token_sha256=sha256_of(self._sealer.download_token(link_id)),
                expires_at=expires_at,
            )

    def _emails(self, order: Order) -> Iterator[e.Event]:
        """Mails that are due may have been sent: the provider says so, or they count as unconfirmed."""
        for email in order.emails.values():
            if email.status is not EmailStatus.DUE:
                continue
            carried = None
            with suppress(OutsideError):  # an account that does not show its mails, or is away, confirms none
                carried = self._mails.find(email.email_id)
            if carried is not None and carried.fate is MailFate.ACCEPTED:
                yield e.EmailSent(email_id=email.email_id, kind=email.kind, message_id=carried.message_id)
            else:
                yield e.EmailUnconfirmed(email_id=email.email_id, kind=email.kind)

    def _photos(self, session_id: UploadSessionId, order_id: OrderId) -> list[UploadedPhoto]:
        """The photos of a session in the order in which they came: uploads, and originals of those that are gone."""
        found: dict[PhotoId, UploadedPhoto] = {}
        for prefix in (f"uploads/temp/{session_id}/", f"uploads/originals/{order_id}/"):
            for described in self._ours(prefix):
                name, labels = described.key.rpartition("/")[2], described.labels
                if not {WIDTH, HEIGHT} <= set(labels):
                    continue
                photo_id = PhotoId(UUID(name))
                found[photo_id] = UploadedPhoto(
                    photo_id=photo_id,
                    file_name=labels.get(FILE_NAME, ""),
                    upload=self._stored(described, ObjectKey(f"uploads/temp/{session_id}/{name}")),
                    width=int(labels[WIDTH]),
                    height=int(labels[HEIGHT]),
                )
        return [found[photo_id] for photo_id in sorted(found)]

    def _ours(self, prefix: str) -> Iterator[ObjectDescription]:
        for key in self._storage.keys(prefix):
            described = self._storage.describe(key)
            if described.owner is ObjectOwner.OURS:
                yield described

    def _stored(self, described: ObjectDescription, key: ObjectKey) -> StoredObject:
        """An object as an event would name it, under this key, with the hash of the bytes that are there."""
        digest = hashlib.sha256()
        with self._storage.read(described.key) as chunks:
            for chunk in chunks:
                digest.update(chunk)
        return StoredObject(
            key=key,
            sha256=Sha256(digest.hexdigest()),
            size_bytes=described.size_bytes,
            media_type=described.media_type,
        )
