"""Opening of checkouts, within the rate limits of a request's client."""

from dataclasses import dataclass

from domain.order.values import UploadSessionId
from domain.ports.upload_sessions import Checkout
from domain.use_cases.checkout.checkout import CheckoutService
from domain.use_cases.checkout.referrals_and_points import (
    Codes,
    UnknownPointsCodeError,
    UnknownReferralCodeError,
)
from domain.use_cases.checkout.visitor_limits import VisitorLimits
from domain.use_cases.recovery.log_heads import LogHeads
from entrypoints.http.client_address import client_key
from entrypoints.http.clients import client_of
from entrypoints.http.request_bodies import AnyRequest


@dataclass(frozen=True, kw_only=True)
class Checkouts:
    """Opens the checkouts that visitors request."""

    log_heads: LogHeads
    visitor_limits: VisitorLimits
    checkout_service: CheckoutService

    def open(
        self,
        request: AnyRequest,
        session_id: UploadSessionId,
        *,
        email: str | None,
        locale: str | None,
        codes: Codes,
        shown_amount: int | None = None,
    ) -> Checkout:
        """Open the session's checkout page, and count the request.

        A code that does not exist is counted as a guess. Raises DatabaseBehindError, TooManyRequestsError, and what
        ``CheckoutService.open`` raises.
        """
        key = client_key(request)
        self.log_heads.check()
        self.visitor_limits.open_checkout(key)
        if not codes.are_none:
            self.visitor_limits.check_code_guesses(key)
        try:
            return self.checkout_service.open(
                session_id,
                email=email,
                locale=locale,
                codes=codes,
                client=client_of(request),
                shown_amount=shown_amount,
            )
        except (UnknownReferralCodeError, UnknownPointsCodeError):
            self.visitor_limits.count_code_guess(key)
            raise
