"""Quote a price and open a checkout page for exactly that amount.

What follows from a payment is in ``payments``.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from domain.order.errors import ShopError
from domain.order.values import Client, Money, UploadSessionId
from domain.ports.clock import Clock
from domain.ports.payments import CheckoutStatus, NewCheckout, PaymentProvider
from domain.ports.unit_of_work import HasCustomers, HasPointsBalances, HasUploadSessions, UnitOfWork
from domain.ports.upload_sessions import Checkout, UploadSession, UploadStatus
from domain.signed_tokens import TokenSigner, sha256_of
from domain.use_cases.checkout.referrals_and_points import Codes, RedeemedCodes, ReferralProgram
from domain.use_cases.checkout.uploads import UnknownUploadSessionError, UploadSessionClosedError
from domain.use_cases.shop_policy import ShopPolicy


class CheckoutRepositories(HasCustomers, HasPointsBalances, HasUploadSessions, Protocol):
    """The repositories that a checkout uses."""


#: The status of an upload session whose checkout has this status at the provider.
PAID_PAGES = {CheckoutStatus.PAID: UploadStatus.PAID, CheckoutStatus.PENDING: UploadStatus.PENDING}

#: How long a quote without an opened page can be reused: the provider requires a page lifetime of 30 minutes.
REPEATABLE = timedelta(minutes=5)

NO_CODES = Codes()


class NothingToPayError(ShopError):
    """The upload session has no photos."""

    def __init__(self, session_id: UploadSessionId) -> None:
        self.session_id = session_id
        super().__init__(
            f"Upload session {session_id} holds no photo yet: send at least one, then ask for the checkout."
        )


class PriceChangedError(ShopError):
    """The photos cost something else than the customer was shown."""

    def __init__(self, session_id: UploadSessionId, quoted: Money) -> None:
        self.session_id = session_id
        self.quoted = quoted
        super().__init__(
            f"The photos of upload session {session_id} cost {quoted} now, not what was shown: look at them again, and "
            "ask for the checkout with that amount."
        )


class CheckoutFixedError(ShopError):
    """An open checkout has reserved points, and the codes differ now."""

    def __init__(self, session_id: UploadSessionId, expires_at: datetime) -> None:
        self.session_id = session_id
        self.expires_at = expires_at
        super().__init__(
            f"The checkout of upload session {session_id} is open, with points that are reserved for it until "
            f"{expires_at:%Y-%m-%d %H:%M} UTC: ask for it without codes and pay there, or wait until then."
        )


@dataclass(frozen=True, kw_only=True)
class _Request:
    """What a customer asked for."""

    session_id: UploadSessionId
    codes: Codes
    email: str | None
    client: Client | None
    shown_amount: int | None


@dataclass(eq=False, kw_only=True)
class CheckoutService:
    """Quote and open checkouts."""

    unit_of_work: UnitOfWork[CheckoutRepositories]
    payments: PaymentProvider
    referral_program: ReferralProgram
    token_signer: TokenSigner
    clock: Clock
    policy: ShopPolicy

    def open(
        self,
        session_id: UploadSessionId,
        *,
        email: str | None,
        locale: str | None = None,
        codes: Codes = NO_CODES,
        client: Client | None = None,
        shown_amount: int | None = None,
    ) -> Checkout:
        """Open the session's checkout page, or return the one already open.

        Idempotent: the quote is stored, and points are reserved, before the provider is called, so a retry sends the
        same request. Different codes make a new page. The first ``client`` to ask is recorded. ``shown_amount`` is the
        price that the customer saw, in the currency's smallest unit: another tab may have changed the photos.

        Raises UnknownUploadSessionError, UploadSessionClosedError, NothingToPayError, PriceChangedError,
        CheckoutFixedError, NoPointsError, what ``ReferralProgram.read`` raises, or the provider's errors.
        """
        asked = _Request(
            session_id=session_id, codes=codes, email=email, client=client, shown_amount=shown_amount
        )
        session, checkout = self._reserve_after_expiring(asked)
        if checkout.url is not None:
            return checkout
        opened = self.payments.open_checkout(self._request(session, checkout, email, locale))
        checkout = replace(checkout, checkout_session_id=opened.checkout_session_id, url=opened.url)
        with self.unit_of_work.transaction() as transaction:
            current = transaction.upload_sessions.find(session_id, lock=True)
            is_current = (
                current is not None
                and current.status is UploadStatus.CHECKOUT
                and current.checkout is not None
                and current.checkout.attempt == checkout.attempt
            )
            if is_current:
                transaction.upload_sessions.set_checkout(session_id, checkout)
        if not is_current:
            # The page was replaced, or the photos changed, while it was being opened: it must not be paid.
            self.payments.expire_checkout(opened.checkout_session_id)
        return checkout

    def _reserve_after_expiring(self, asked: _Request) -> tuple[UploadSession, Checkout]:
        """Reserve a quote, after expiring the page that it replaces.

        An expired page cannot be paid. Raises UploadSessionClosedError if that page was paid in the meantime.
        """
        expired: str | None = None
        while isinstance(reserved := self._reserve(asked, expired), str):
            status = self.payments.expire_checkout(reserved)
            if status in PAID_PAGES:
                raise UploadSessionClosedError(asked.session_id, PAID_PAGES[status])
            expired = reserved
        return reserved

    def _reserve(self, asked: _Request, expired: str | None) -> tuple[UploadSession, Checkout] | str:
        """The session with its quote, or the page to expire first.

        The page is given by the provider's id of its checkout session.
        """
        now, session_id = self.clock.now(), asked.session_id
        with self.unit_of_work.transaction() as transaction:
            session = transaction.upload_sessions.find(session_id, lock=True)
            if session is None:
                raise UnknownUploadSessionError(session_id)
            if session.status not in {UploadStatus.OPEN, UploadStatus.CHECKOUT}:
                raise UploadSessionClosedError(session_id, session.status)
            if not session.photos:
                raise NothingToPayError(session_id)
            claims = self.referral_program.read(transaction, asked.codes, asked.email)
            known = session.checkout
            if known is not None and _can_be_used(session, known, now):
                _require_shown(asked, known.quoted)
                if asked.codes.are_none or claims == RedeemedCodes.of(known):
                    return session, known
                if known.spending is not None and known.url is not None:
                    # Two open pages could spend the same points.
                    raise CheckoutFixedError(session_id, known.expires_at)
                if known.checkout_session_id not in {None, expired}:
                    return known.checkout_session_id
            checkout = replace(self._quote(transaction, session, claims, now), client=asked.client)
            _require_shown(asked, checkout.quoted)
            transaction.upload_sessions.set_checkout(session_id, checkout)
            return session, checkout

    def _quote(
        self, transaction: CheckoutRepositories, session: UploadSession, claims: RedeemedCodes, now: datetime
    ) -> Checkout:
        quoted, spending = self.policy.prices.quote(len(session.photos)), None
        if claims.spender_id is not None:
            spending = self.referral_program.reserve(
                transaction, session.session_id, claims.spender_id, quoted
            )
        return Checkout(
            attempt=session.checkout.attempt + 1 if session.checkout else 1,
            quoted=quoted,
            reserved_at=now,
            expires_at=now + self.policy.payments.checkout_lifetime,
            referrer_id=claims.referrer_id,
            spending=spending,
        )

    def _request(
        self, session: UploadSession, checkout: Checkout, email: str | None, locale: str | None
    ) -> NewCheckout:
        photos = len(session.photos)
        unit_price = replace(checkout.quoted, amount=checkout.quoted.amount // photos)
        return NewCheckout(
            upload_session_id=session.session_id,
            order_id=session.order_id,
            payment_token=self.token_signer.payment_token(session.session_id, session.order_id),
            photos=photos,
            unit_price=unit_price,
            email=email,
            success_url=self.policy.urls.success.replace("{upload_session}", str(session.session_id)),
            cancel_url=self.policy.urls.cancel.replace("{upload_session}", str(session.session_id)),
            expires_at=checkout.expires_at,
            # Another customer gets another page; the fingerprint keeps the key short and free of personal data.
            idempotency_key=f"checkout:{session.session_id}:{checkout.attempt}:{_fingerprint(email, locale)}",
            locale=locale,
            spending=checkout.spending,
            asks_for_phone=self.policy.payments.asks_for_phone,
        )


def _require_shown(asked: _Request, quoted: Money) -> None:
    """Raise PriceChangedError for another price than the customer saw."""
    if asked.shown_amount not in {None, quoted.amount}:
        raise PriceChangedError(asked.session_id, quoted)


def _fingerprint(email: str | None, locale: str | None) -> str:
    return sha256_of(f"{email or ''} {locale or ''}")[:16]


def _can_be_used(session: UploadSession, checkout: Checkout, now: datetime) -> bool:
    if session.status is not UploadStatus.CHECKOUT:
        return False
    last_use = checkout.expires_at if checkout.url is not None else checkout.reserved_at + REPEATABLE
    return now < last_use
