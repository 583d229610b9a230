"""Upload sessions in memory."""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.order.order import Order
from domain.order.states import State
from domain.order.values import OrderId, PhotoId, UploadSessionId
from domain.ports.images import ImageFacts
from domain.ports.resumable_uploads import ResumableUpload, ResumableUploadId
from domain.ports.upload_sessions import Checkout, UploadedPhoto, UploadSession, UploadSessions, UploadStatus
from tests.doubles.tables import hold, is_held_by_another


@dataclass(frozen=True, kw_only=True)
class UploadRow:
    """A session, and when its temporary objects were deleted."""

    session: UploadSession
    sketches: Mapping[PhotoId, bytes] = field(default_factory=dict)
    temp_objects_deleted_at: datetime | None = None


class InMemoryUploadSessions(UploadSessions):
    """Upload sessions and their photos.

    ``orders`` shows which of the photos are verified under keys of their own.
    """

    def __init__(
        self,
        pages: MutableMapping[UploadSessionId, UploadRow],
        orders: Mapping[OrderId, Order],
        resumable: MutableMapping[ResumableUploadId, ResumableUpload],
    ) -> None:
        self._pages = pages
        self._resumable = resumable
        self._orders = orders

    def open(self, session: UploadSession) -> None:
        self._pages[session.session_id] = UploadRow(session=replace(session, photos=(), checkout=None))

    def find(self, session_id: UploadSessionId, *, lock: bool = False) -> UploadSession | None:
        page = self._pages.get(session_id)
        if page is not None and lock:
            hold(self._pages, session_id)
        return page.session if page is not None else None

    def find_all_locked(
        self, session_ids: Sequence[UploadSessionId]
    ) -> Mapping[UploadSessionId, UploadSession]:
        found = ((session_id, self.find(session_id, lock=True)) for session_id in sorted(session_ids))
        return {session_id: session for session_id, session in found if session is not None}

    def set_paid(self, session_ids: Sequence[UploadSessionId]) -> None:
        for session_id in session_ids:
            self.set_status(session_id, UploadStatus.PAID)

    def add_photo(
        self, session_id: UploadSessionId, photo: UploadedPhoto, *, sketch: bytes | None = None
    ) -> None:
        page = self._pages[session_id]
        session = replace(page.session, photos=(*page.session.photos, photo))
        new = {photo.photo_id: sketch} if sketch is not None else {}
        self._pages[session_id] = replace(page, session=session, sketches={**page.sketches, **new})

    def inspected(self, photo_id: PhotoId) -> ImageFacts | None:
        found = (
            ImageFacts(
                media_type=photo.upload.media_type,
                width=photo.width,
                height=photo.height,
                sketch=page.sketches[photo_id],
            )
            for page in self._pages.values()
            if photo_id in page.sketches
            for photo in page.session.photos
            if photo.photo_id == photo_id
        )
        return next(found, None)

    def remove_photo(self, session_id: UploadSessionId, photo_id: PhotoId) -> None:
        page = self._pages[session_id]
        left = tuple(photo for photo in page.session.photos if photo.photo_id != photo_id)
        self._pages[session_id] = replace(page, session=replace(page.session, photos=left))

    def set_status(self, session_id: UploadSessionId, status: UploadStatus) -> None:
        page = self._pages[session_id]
        self._pages[session_id] = replace(page, session=replace(page.session, status=status))

    def set_checkout(self, session_id: UploadSessionId, checkout: Checkout) -> None:
        page = self._pages[session_id]
        session = replace(page.session, status=UploadStatus.CHECKOUT, checkout=checkout)
        self._pages[session_id] = replace(page, session=session)

    def file_names(self, order_id: OrderId) -> dict[PhotoId, str]:
        return {
            photo.photo_id: photo.file_name
            for page in self._pages.values()
            for photo in page.session.photos
            if page.session.order_id == order_id
        }

    def expire_stale(
        self, opened_before: datetime, checkout_expired_before: datetime, limit: int
    ) -> list[UploadSessionId]:
        sessions = [
            page.session
            for page in self._pages.values()
            if not is_held_by_another(self._pages, page.session.session_id)
            and page.temp_objects_deleted_at is None
            and page.session.opened_at < opened_before
            and self._is_given_up(page.session, checkout_expired_before)
        ]
        oldest = sorted(sessions, key=lambda session: session.opened_at)[:limit]
        for session in oldest:
            if session.status is not UploadStatus.PAID:
                self.set_status(session.session_id, UploadStatus.EXPIRED)
        return [session.session_id for session in oldest]

    def pending(self, reserved_before: datetime) -> list[str]:
        checkouts = [
            page.session.checkout
            for page in self._pages.values()
            if page.session.status is UploadStatus.PENDING and page.session.checkout is not None
        ]
        oldest_first = sorted(checkouts, key=lambda checkout: checkout.reserved_at)
        return [
            checkout.checkout_session_id
            for checkout in oldest_first
            if checkout.reserved_at < reserved_before and checkout.checkout_session_id is not None
        ]

    def forget_temp_objects(self, session_id: UploadSessionId, now: datetime) -> None:
        page = self._pages.get(session_id)
        if page is None:
            return
        session = page.session
        if session.status is not UploadStatus.PAID:
            session = replace(session, photos=())
        self._pages[session_id] = UploadRow(session=session, temp_objects_deleted_at=now)
        for upload in [each for each in self._resumable.values() if each.session_id == session_id]:
            del self._resumable[upload.upload_id]

    def remove_tidied(self, tidied_before: datetime) -> int:
        tidied = [
            session_id
            for session_id, page in self._pages.items()
            if page.session.status is UploadStatus.EXPIRED
            and page.temp_objects_deleted_at is not None
            and page.temp_objects_deleted_at < tidied_before
        ]
        for session_id in tidied:
            del self._pages[session_id]
        return len(tidied)

    def _is_given_up(self, session: UploadSession, checkout_expired_before: datetime) -> bool:
        match session.status:
            case UploadStatus.OPEN | UploadStatus.EXPIRED:
                return True
            case UploadStatus.CHECKOUT:
                return session.checkout is not None and session.checkout.expires_at < checkout_expired_before
            case UploadStatus.PENDING:
                return False
            case UploadStatus.PAID:
                order = self._orders.get(session.order_id)
                if order is None:
                    return False
                is_over = order.state in {State.REFUNDED, State.ERASED}
                return is_over or all(
                    image.original is not None or image.failure is not None for image in order.images.values()
                )
