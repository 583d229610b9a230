"""Chapter 2: the shop quotes a price and opens the provider's page where exactly that can be paid."""

from dataclasses import replace
from datetime import datetime, timedelta

from domain.model.errors import ShopError
from domain.model.seals import sha256_of
from domain.model.values import UploadSessionId
from domain.ports.books import Books
from domain.ports.payments import CheckoutWish, PaymentProvider
from domain.ports.uploads import Checkout, UploadSession, UploadStatus
from domain.ports.world import Clock
from domain.services.policy import Policy
from domain.services.uploading import UnknownUploadSessionError, UploadSessionClosedError

#: A page that could not be opened within this time is asked for anew: the provider wants half an hour of lifetime.
REPEATABLE = timedelta(minutes=5)


class NothingToPayError(ShopError):
    """The session holds no photo."""

    def __init__(self, session_id: UploadSessionId) -> None:
        self.session_id = session_id
        super().__init__(
            f"Upload session {session_id} holds no photo yet: send at least one, then ask for the checkout."
        )


class CheckingOut:
    """Quotes and opens checkouts."""

    def __init__(self, *, books: Books, payments: PaymentProvider, clock: Clock, policy: Policy) -> None:
        self._books = books
        self._payments = payments
        self._clock = clock
        self._policy = policy

    def open(self, session_id: UploadSessionId, *, email: str | None, locale: str | None = None) -> Checkout:
        """The page where the session's photos are paid; asking again gives the same page while it is open.

        The quote is written down before the provider is asked, so that a repeat asks for the very same thing.
        Raises UnknownUploadSessionError, UploadSessionClosedError or NothingToPayError, or what the provider says.
        """
        session, checkout = self._reserve(session_id)
        if checkout.url is not None:
            return checkout
        opened = self._payments.open_checkout(self._wish(session, checkout, email, locale))
        checkout = replace(checkout, checkout_session_id=opened.checkout_session_id, url=opened.url)
        with self._books.transaction() as transaction:
            current = transaction.uploads.find(session_id, lock=True)
            if current is not None and current.status is UploadStatus.CHECKOUT:
                transaction.uploads.set_checkout(session_id, checkout)
        return checkout

    def _reserve(self, session_id: UploadSessionId) -> tuple[UploadSession, Checkout]:
        now = self._clock.now()
        with self._books.transaction() as transaction:
            session = transaction.uploads.find(session_id, lock=True)
            if session is None:
                raise UnknownUploadSessionError(session_id)
            if session.status not in {UploadStatus.OPEN, UploadStatus.CHECKOUT}:
                raise UploadSessionClosedError(session_id, session.status)
            if not session.photos:
                raise NothingToPayError(session_id)
            if session.checkout is not None and _can_be_used(session, session.checkout, now):
                return session, session.checkout
            checkout = Checkout(
                attempt=session.checkout.attempt + 1 if session.checkout else 1,
                quoted=self._policy.prices.quote(len(session.photos)),
                reserved_at=now,
                expires_at=now + self._policy.checkout_lifetime,
            )
            transaction.uploads.set_checkout(session_id, checkout)
            return session, checkout

    def _wish(
        self, session: UploadSession, checkout: Checkout, email: str | None, locale: str | None
    ) -> CheckoutWish:
        photos = len(session.photos)
        unit_price = replace(checkout.quoted, amount=checkout.quoted.amount // photos)
        return CheckoutWish(
            upload_session_id=session.session_id,
            order_id=session.order_id,
            photos=photos,
            unit_price=unit_price,
            email=email,
            success_url=self._policy.success_url.replace("{upload_session}", str(session.session_id)),
            cancel_url=self._policy.cancel_url.replace("{upload_session}", str(session.session_id)),
            expires_at=checkout.expires_at,
            # Another customer is another page; a fingerprint keeps the key short and the address out of it.
            idempotency_key=f"checkout:{session.session_id}:{checkout.attempt}:{_fingerprint(email, locale)}",
            locale=locale,
        )


def _fingerprint(email: str | None, locale: str | None) -> str:
    return sha256_of(f"{email or ''} {locale or ''}")[:16]


def _can_be_used(session: UploadSession, checkout: Checkout, now: datetime) -> bool:
    if session.status is not UploadStatus.CHECKOUT:
        return False
    last_use = checkout.expires_at if checkout.url is not None else checkout.reserved_at + REPEATABLE
    return now < last_use
