"""Events of one order, with consistent ids and amounts by default."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from domain.order import events as e
from domain.order.deterministic_ids import (
    download_link_id_of,
    email_id_of,
    refund_id_of,
    shared_link_id_of,
)
from domain.order.values import (
    Browser,
    Client,
    CustomerId,
    Device,
    DisputeOutcome,
    EmailId,
    EmailKind,
    FailureReason,
    HoldReason,
    ImageId,
    Money,
    MovedImage,
    NoteId,
    ObjectKey,
    OptOut,
    OrderId,
    OrderNumber,
    PaidPhoto,
    PointsReason,
    RefundId,
    RefundReason,
    Sha256,
    StoredObject,
    UploadSessionId,
)

ORDER_ID = OrderId(UUID("01931000-0000-7000-8000-000000000000"))
PAID_AT = datetime(2026, 11, 22, 19, 31, 54, 123456, tzinfo=UTC)

PHONE = Client(network="203.0.113.0/24", device=Device.PHONE, browser=Browser.FIREFOX)
SCANNER = Client(network="2001:db8:1931::/48", device=Device.SCANNER)


def euros(cents: int) -> Money:
    return Money(amount=cents, currency="EUR")


def stored(key: str, *, media_type: str = "image/jpeg") -> StoredObject:
    """An object whose checksum is derived from its key."""
    digest = uuid5(UUID(int=0), key).hex * 2
    return StoredObject(key=ObjectKey(key), sha256=Sha256(digest), size_bytes=len(key), media_type=media_type)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Builds the events of an order of ``photos`` photos.

    Images are counted from 0.
    """

    order_id: OrderId = ORDER_ID
    photos: int = 2
    price: int = 490  # of one photo, in cents

    def image(self, index: int) -> ImageId:
        return ImageId(uuid5(self.order_id, f"photo {index}"))

    @property
    def customer(self) -> CustomerId:
        return CustomerId(uuid5(self.order_id, "customer"))

    @property
    def images(self) -> tuple[ImageId, ...]:
        return tuple(self.image(index) for index in range(self.photos))

    def email(self, kind: EmailKind, sequence: int = 1) -> EmailId:
        return email_id_of(self.order_id, kind, sequence)

    def refund(self, sequence: int = 1) -> RefundId:
        return refund_id_of(self.order_id, sequence)

    def paid(
        self,
        paid: int | None = None,
        *,
        discount: int = 0,
        number: str = "20261122-000001",
        customer_id: CustomerId | None = None,
        checkout_session_id: str | None = None,
        currency: str = "EUR",
        client: Client | None = None,
    ) -> e.PaymentReceived:
        quoted = self.price * self.photos
        amount = Money(amount=quoted - discount if paid is None else paid, currency=currency)
        return e.PaymentReceived(
            order_number=OrderNumber(number),
            customer_id=customer_id or self.customer,
            upload_session_id=UploadSessionId(uuid5(self.order_id, "session")),
            checkout_session_id=checkout_session_id or f"cs_{self.order_id.hex}",
            payment_intent_id=f"pi_{self.order_id.hex}" if amount.amount else None,
            quoted=euros(quoted),
            discount=euros(discount),
            paid=amount,
            photos=tuple(
                PaidPhoto(image_id=image_id, upload=stored(f"uploads/temp/{image_id}"), share=share)
                for image_id, share in zip(self.images, amount.split(self.photos), strict=True)
            ),
            client=client,
        )

    def moved(self) -> e.ImagesMoved:
        return e.ImagesMoved(
            images=tuple(
                MovedImage(image_id=image_id, original=stored(f"uploads/originals/{image_id}"))
                for image_id in self.images
            )
        )

    def started(
        self, index: int = 0, attempt: int = 1, prediction: str | None = None
    ) -> e.RestorationStarted:
        return e.RestorationStarted(
            image_id=self.image(index),
            attempt=attempt,
            prediction_id=prediction or f"prediction-{index}-{attempt}",
            model="restore-image",
        )

    def attempt_failed(
        self,
        index: int = 0,
        attempt: int = 1,
        reason: FailureReason = FailureReason.PROVIDER_ERROR,
        prediction: str | None = "",
    ) -> e.RestorationAttemptFailed:
        return e.RestorationAttemptFailed(
            image_id=self.image(index),
            attempt=attempt,
            prediction_id=f"prediction-{index}-{attempt}" if prediction == "" else prediction,
            reason=reason,
        )

    def restored(
        self, index: int = 0, attempt: int = 1, prediction: str | None = None
    ) -> e.RestorationCompleted:
        return e.RestorationCompleted(
            image_id=self.image(index),
            attempt=attempt,
            prediction_id=prediction or f"prediction-{index}-{attempt}",
            restored=stored(
                f"uploads/restored/{self.image(index)}" + (f"/{attempt}" if attempt > 1 else ""),
                media_type="image/png",
            ),
            width=2048,
            height=1536,
        )

    def small_result(self, index: int = 0, attempt: int = 1) -> e.SmallResultStored:
        restored = self.restored(index, attempt)
        return e.SmallResultStored(
            image_id=restored.image_id,
            attempt=attempt,
            prediction_id=restored.prediction_id,
            restored=restored.restored,
            width=restored.width,
            height=restored.height,
            original_width=4096,
            original_height=3072,
        )

    def failed(
        self, index: int = 0, attempts: int = 1, reason: FailureReason = FailureReason.CONTENT_FILTER
    ) -> e.RestorationFailed:
        return e.RestorationFailed(image_id=self.image(index), attempts=attempts, reason=reason)

    def redo(self, index: int = 0, *, by_customer: bool = True) -> e.RedoRequested:
        return e.RedoRequested(image_id=self.image(index), by_customer=by_customer)

    def redo_failed(
        self, index: int = 0, attempts: int = 2, reason: FailureReason = FailureReason.CONTENT_FILTER
    ) -> e.RedoFailed:
        return e.RedoFailed(image_id=self.image(index), attempts=attempts, reason=reason)

    def prepared(self, *indices: int, edition: int = 1, sequence: int = 1) -> e.DownloadPrepared:
        link_id = download_link_id_of(self.order_id, sequence)
        return e.DownloadPrepared(
            link_id=link_id,
            archive=stored(f"downloads/{link_id}.zip", media_type="application/zip"),
            image_ids=tuple(self.image(index) for index in indices) or self.images,
            token_sha256=stored(f"token of {link_id}").sha256,
            expires_at=PAID_AT + timedelta(days=30),
            edition=edition,
        )

    def link_issued(self, sequence: int = 2) -> e.DownloadLinkIssued:
        link_id = download_link_id_of(self.order_id, sequence)
        return e.DownloadLinkIssued(
            link_id=link_id,
            token_sha256=stored(f"token of {link_id}").sha256,
            expires_at=PAID_AT + timedelta(days=60),
        )

    def link_shared(self, sequence: int = 1) -> e.DownloadLinkIssued:
        link_id = shared_link_id_of(self.order_id, sequence)
        return replace(
            self.link_issued(),
            link_id=link_id,
            token_sha256=stored(f"token of {link_id}").sha256,
            is_shared=True,
        )

    def shared_link_revoked(self, sequence: int = 1) -> e.DownloadLinkRevoked:
        return e.DownloadLinkRevoked(link_id=shared_link_id_of(self.order_id, sequence))

    def link_revoked(self, sequence: int = 1) -> e.DownloadLinkRevoked:
        return e.DownloadLinkRevoked(link_id=download_link_id_of(self.order_id, sequence))

    def email_requested(self, kind: EmailKind, sequence: int = 2) -> e.EmailRequested:
        return e.EmailRequested(email_id=self.email(kind, sequence), kind=kind)

    def sent(
        self, kind: EmailKind, message_id: str | None = "message-1", *, sequence: int = 1
    ) -> e.EmailSent:
        return e.EmailSent(email_id=self.email(kind, sequence), kind=kind, message_id=message_id)

    def bounced(self, kind: EmailKind, sequence: int = 1) -> e.EmailBounced:
        return e.EmailBounced(email_id=self.email(kind, sequence), kind=kind, reason="bounce 5.1.1")

    def deferred(self, kind: EmailKind, sequence: int = 1) -> e.EmailDeferred:
        return e.EmailDeferred(email_id=self.email(kind, sequence), kind=kind, reason="deferred 4.2.1")

    def blocked(self, kind: EmailKind, sequence: int = 1) -> e.EmailBlocked:
        return e.EmailBlocked(email_id=self.email(kind, sequence), kind=kind, reason="bounce blocked 5.7.1")

    def opted_out(
        self, kind: EmailKind, how: OptOut = OptOut.SPAM_REPORT, sequence: int = 1
    ) -> e.EmailOptedOut:
        return e.EmailOptedOut(email_id=self.email(kind, sequence), kind=kind, how=how)

    def unconfirmed(self, kind: EmailKind, *, sequence: int = 1) -> e.EmailUnconfirmed:
        return e.EmailUnconfirmed(email_id=self.email(kind, sequence), kind=kind)

    def email_failed(
        self, kind: EmailKind, reason: str = "The address is refused.", *, sequence: int = 1
    ) -> e.EmailFailed:
        return e.EmailFailed(email_id=self.email(kind, sequence), kind=kind, reason=reason)

    def downloaded(self, image_id: ImageId | None = None, *, client: Client = PHONE) -> e.ResultDownloaded:
        return e.ResultDownloaded(
            link_id=download_link_id_of(self.order_id, 1), image_id=image_id, client=client
        )

    def served(self, image_id: ImageId | None = None, *, client: Client | None = SCANNER) -> e.ResultServed:
        return e.ResultServed(link_id=download_link_id_of(self.order_id, 1), image_id=image_id, client=client)

    def refund_requested(
        self,
        amount: int,
        *indices: int,
        sequence: int = 1,
        reason: RefundReason = RefundReason.REQUESTED,
        currency: str = "EUR",
    ) -> e.RefundRequested:
        return e.RefundRequested(
            refund_id=self.refund(sequence),
            amount=Money(amount=amount, currency=currency),
            reason=reason,
            image_ids=tuple(self.image(index) for index in indices),
        )

    def owed(self, amount: int, *indices: int, sequence: int = 1) -> e.RefundRequested:
        """The refund that failed images lead to."""
        return self.refund_requested(amount, *indices, sequence=sequence, reason=RefundReason.NOT_RESTORED)

    def refund_accepted(self, amount: int, sequence: int = 1) -> e.RefundAccepted:
        return e.RefundAccepted(
            refund_id=self.refund(sequence), amount=euros(amount), provider_refund_id=f"re_{sequence}"
        )

    def refund_issued(self, amount: int, sequence: int = 1) -> e.RefundIssued:
        return e.RefundIssued(
            refund_id=self.refund(sequence), amount=euros(amount), provider_refund_id=f"re_{sequence}"
        )

    def refund_failed(self, sequence: int = 1, provider_refund_id: str | None = None) -> e.RefundFailed:
        return e.RefundFailed(
            refund_id=self.refund(sequence),
            provider_refund_id=provider_refund_id,
            reason="insufficient_funds",
        )

    def refund_dropped(self, sequence: int = 1) -> e.RefundDropped:
        return e.RefundDropped(refund_id=self.refund(sequence))

    def disputed(
        self, dispute_id: str = "dp_1", amount: int | None = None, *, is_inquiry: bool = False
    ) -> e.DisputeOpened:
        disputed = self.price * self.photos if amount is None else amount
        return e.DisputeOpened(
            dispute_id=dispute_id, amount=euros(disputed), reason="fraudulent", is_inquiry=is_inquiry
        )

    def credited(
        self,
        points: int = 100,
        reason: PointsReason = PointsReason.WELCOME,
        customer_id: CustomerId | None = None,
    ) -> e.PointsCredited:
        return e.PointsCredited(customer_id=customer_id or self.customer, points=points, reason=reason)

    def debited(
        self,
        points: int = 100,
        reason: PointsReason = PointsReason.SPENT,
        customer_id: CustomerId | None = None,
    ) -> e.PointsDebited:
        return e.PointsDebited(customer_id=customer_id or self.customer, points=points, reason=reason)

    def decided(
        self, outcome: DisputeOutcome = DisputeOutcome.WON, dispute_id: str = "dp_1"
    ) -> e.DisputeClosed:
        return e.DisputeClosed(dispute_id=dispute_id, outcome=outcome)

    def held(self, reason: HoldReason = HoldReason.REQUESTED) -> e.OrderHeld:
        return e.OrderHeld(reason=reason)

    def released(self) -> e.OrderReleased:
        return e.OrderReleased()

    def purged(self) -> e.PhotosPurged:
        return e.PhotosPurged()

    def erased(self) -> e.OrderErased:
        return e.OrderErased()

    def note(self) -> e.NoteAdded:
        return e.NoteAdded(note_id=NoteId(uuid5(self.order_id, "note")))

    # The history of an order up to some point, without failures.

    def until_restoring(self) -> tuple[e.Event, ...]:
        return (self.paid(), self.moved())

    def until_settled(self) -> tuple[e.Event, ...]:
        all_restored = (
            event for index in range(self.photos) for event in (self.started(index), self.restored(index))
        )
        return (*self.until_restoring(), *all_restored)

    def until_ready(self) -> tuple[e.Event, ...]:
        return (*self.until_settled(), self.prepared())

    def until_completed(self) -> tuple[e.Event, ...]:
        return (*self.until_ready(), self.sent(EmailKind.CONFIRMATION), self.sent(EmailKind.RESULT))

    def until_delivered(self) -> tuple[e.Event, ...]:
        """All photos but the last restored and delivered, its share still owed."""
        last = self.photos - 1
        restored = (self.restored(index) for index in range(last))
        owed = self.owed(self.price, last)
        return (
            *self.until_restoring(),
            *restored,
            self.failed(last),
            owed,
            self.prepared(*range(last)),
            self.sent(EmailKind.PARTIAL_RESULT),
        )

    def until_refunded(self) -> tuple[e.Event, ...]:
        """Refunded in full before the photos were moved."""
        paid = self.paid()
        amount = paid.paid.amount
        return (paid, self.refund_requested(amount), self.refund_issued(amount))
