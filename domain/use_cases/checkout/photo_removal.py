"""Changes of an unpaid upload session whose checkout may be open."""

from dataclasses import dataclass
from datetime import datetime

from domain.order.errors import ShopError
from domain.order.values import PhotoId, UploadSessionId
from domain.ports.clock import Clock
from domain.ports.payments import PaymentProvider
from domain.ports.unit_of_work import HasUploadSessions, UnitOfWork
from domain.ports.upload_sessions import UploadSession, UploadStatus
from domain.use_cases.checkout.checkout import PAID_PAGES, REPEATABLE
from domain.use_cases.checkout.uploads import UnknownUploadSessionError, UploadSessionClosedError


class CheckoutOpeningError(ShopError):
    """The session's checkout page is being opened at this moment."""

    def __init__(self, session_id: UploadSessionId) -> None:
        self.session_id = session_id
        super().__init__(
            f"The checkout of upload session {session_id} is being opened: change the photos in a moment."
        )


@dataclass(eq=False, kw_only=True)
class PhotoRemoval:
    """Remove photos from upload sessions.

    Their stored bytes are deleted later, with the session's other uploads.
    """

    unit_of_work: UnitOfWork[HasUploadSessions]
    payments: PaymentProvider
    clock: Clock

    def remove(self, session_id: UploadSessionId, photo_id: PhotoId) -> None:
        """Remove a photo, after expiring an open checkout page.

        Idempotent: a photo that is not in the session is no error. Raises UnknownUploadSessionError,
        UploadSessionClosedError once the session is paid or expired, CheckoutOpeningError, or the provider's errors.
        """
        self._change(session_id, photo_id)

    def reopen(self, session_id: UploadSessionId) -> None:
        """Accept photos again, after expiring an open checkout page.

        Idempotent: an open session stays as it is. Raises what ``remove`` raises.
        """
        self._change(session_id, None)

    def _change(self, session_id: UploadSessionId, removed: PhotoId | None) -> None:
        expired: str | None = None
        while page := self._change_unless_page_is_open(session_id, removed, expired):
            status = self.payments.expire_checkout(page)
            if status in PAID_PAGES:
                raise UploadSessionClosedError(session_id, PAID_PAGES[status])
            expired = page

    def _change_unless_page_is_open(
        self, session_id: UploadSessionId, removed: PhotoId | None, expired: str | None
    ) -> str | None:
        """Change the session, or return the page to expire first.

        The page is given by the provider's id; ``expired`` is the page that was just expired.
        """
        with self.unit_of_work.transaction() as transaction:
            session = transaction.upload_sessions.find(session_id, lock=True)
            if session is None:
                raise UnknownUploadSessionError(session_id)
            if removed is not None and all(photo.photo_id != removed for photo in session.photos):
                return None
            if session.status is UploadStatus.CHECKOUT:
                page = _open_page(session, self.clock.now())
                if page is not None and page != expired:
                    return page
                # The quote no longer fits the photos; the next checkout makes a new one.
                transaction.upload_sessions.set_status(session_id, UploadStatus.OPEN)
            elif session.status is not UploadStatus.OPEN:
                raise UploadSessionClosedError(session_id, session.status)
            if removed is not None:
                transaction.upload_sessions.remove_photo(session_id, removed)
        return None


def _open_page(session: UploadSession, now: datetime) -> str | None:
    """The session's page at the provider, if there is one.

    Raises CheckoutOpeningError while it is being opened.
    """
    checkout = session.checkout
    if checkout is None:
        return None
    if checkout.checkout_session_id is None and now < checkout.reserved_at + REPEATABLE:
        raise CheckoutOpeningError(session.session_id)
    return checkout.checkout_session_id
