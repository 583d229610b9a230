"""Rebuilding of the upload session of a payment that the database lost.

Its order can then be placed again.
"""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.object_keys import name_of, originals_of, results_of, upload_key, uploads_of
from domain.order.stored_reasons import ORDER_NOT_CERTAIN
from domain.order.values import OrderId, OrderNumber, PhotoId, UploadSessionId
from domain.ports.clock import Clock
from domain.ports.payments import CheckoutDetails
from domain.ports.unit_of_work import HasOrderQueries, HasUnmatchedPayments, HasUploadSessions, UnitOfWork
from domain.ports.upload_sessions import Checkout, UploadedPhoto, UploadSession, UploadStatus
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.payments.order_placement import OrderPlacement, PlacementRepositories, Trigger
from domain.use_cases.recovery.object_labels import FILE_NAME, HEIGHT, ORDER_NUMBER, WIDTH
from domain.use_cases.recovery.own_objects import OwnObjects
from domain.use_cases.recovery.restore_cause import ACTOR
from domain.use_cases.shop_policy import ShopPolicy


class SessionRebuildingRepositories(HasOrderQueries, HasUnmatchedPayments, HasUploadSessions, Protocol):
    """The repositories that an upload session is rebuilt in."""


@dataclass(eq=False, kw_only=True)
class SessionRebuilding:
    """Finds a payment's photos in the storage."""

    unit_of_work: UnitOfWork[SessionRebuildingRepositories]
    command_handler: OrderCommandHandler[PlacementRepositories]
    order_placement: OrderPlacement
    objects: OwnObjects
    clock: Clock
    policy: ShopPolicy

    def place_order(self, checkout: CheckoutDetails) -> OrderId | None:
        """Place the order of a lost payment again, or hold the payment.

        Returns None if the payment is held for staff. No worker is woken: all earlier events of the order must be
        recorded first.
        """
        if not self.restore_session(checkout):
            with self.unit_of_work.transaction() as transaction:
                self.order_placement.hold(transaction, checkout, ORDER_NOT_CERTAIN)
            return None
        order_id = checkout.order_id
        number = self._number_of(order_id) if order_id is not None else None
        trigger = Trigger(name=f"restored:{checkout.checkout_session_id}", actor=ACTOR)
        order = self.command_handler.transact(
            lambda transaction: self.order_placement.place(transaction, checkout, trigger, number=number),
            wakes_workers=False,
        )
        return order.order_id if order is not None else None

    def restore_session(self, checkout: CheckoutDetails) -> bool:
        """Recreate a payment's upload session if its photos match the price paid.

        Returns False, and writes nothing, if that is uncertain: photos may then have been delivered and erased since.
        """
        session_id, order_id = checkout.upload_session_id, checkout.order_id
        if session_id is None or order_id is None:
            return False
        photos = self._photos(session_id, order_id)
        if not photos or self.policy.prices.quote(len(photos)) != checkout.paid + checkout.discount:
            return False
        now = self.clock.now()
        with self.unit_of_work.transaction() as transaction:
            session = transaction.upload_sessions.find(session_id, lock=True)
            if session is None:
                session = UploadSession(
                    session_id=session_id, order_id=order_id, status=UploadStatus.OPEN, opened_at=now
                )
                transaction.upload_sessions.open(session)
            if session.status in {UploadStatus.PAID, UploadStatus.EXPIRED}:
                return False
            known = {photo.photo_id for photo in session.photos}
            if not known <= {photo.photo_id for photo in photos}:
                return False  # a photo is missing in the storage: staff have to look
            for photo in photos:
                if photo.photo_id not in known:
                    transaction.upload_sessions.add_photo(session_id, photo)
            page = Checkout(
                attempt=session.checkout.attempt + 1 if session.checkout else 1,
                quoted=checkout.paid + checkout.discount,
                reserved_at=now,
                expires_at=now,
                checkout_session_id=checkout.checkout_session_id,
                referrer_id=session.checkout.referrer_id if session.checkout else None,
                spending=checkout.spending,
            )
            transaction.upload_sessions.set_checkout(session_id, page)
        return True

    def may_have_had_a_referral(self, checkout: CheckoutDetails) -> bool:
        """Whether a referral code known only to the lost session may apply.

        Points exclude one.
        """
        if checkout.upload_session_id is None or not self.policy.referral_terms.takes_referrals:
            return False
        with self.unit_of_work.transaction() as transaction:
            session = transaction.upload_sessions.find(checkout.upload_session_id)
        return checkout.spending is None and (session is None or session.checkout is None)

    def _number_of(self, order_id: OrderId) -> OrderNumber | None:
        """Return the order's number from an object's label, if still unused."""
        for described in self.objects.under(results_of(order_id)):
            number = described.labels.get(ORDER_NUMBER)
            if number:
                with self.unit_of_work.transaction() as transaction:
                    is_free = transaction.order_queries.find(OrderNumber(number)) is None
                return OrderNumber(number) if is_free else None
        return None

    def _photos(self, session_id: UploadSessionId, order_id: OrderId) -> list[UploadedPhoto]:
        """Return a session's photos in upload order.

        Originals replace uploads that no longer exist.
        """
        found: dict[PhotoId, UploadedPhoto] = {}
        for prefix in (uploads_of(session_id), originals_of(order_id)):
            for described in self.objects.under(prefix):
                labels = described.labels
                if not {WIDTH, HEIGHT} <= set(labels):
                    continue
                photo_id = PhotoId(UUID(name_of(described.key)))
                found[photo_id] = UploadedPhoto(
                    photo_id=photo_id,
                    file_name=labels.get(FILE_NAME, ""),
                    upload=self.objects.recorded(described, upload_key(session_id, photo_id)),
                    width=int(labels[WIDTH]),
                    height=int(labels[HEIGHT]),
                )
        return [found[photo_id] for photo_id in sorted(found)]
