"""Chapter 2 over HTTP: ask for the page where the photos are paid."""

import re
from typing import Annotated
from uuid import UUID

import msgspec
from anyio import to_thread
from litestar import post
from litestar.params import JSONBody

from domain.order.values import UploadSessionId
from domain.referral_program import LONGEST_CODE
from domain.use_cases.checkout.referrals_and_points import (
    Codes,
    UnknownPointsCodeError,
    UnknownReferralCodeError,
)
from domain.use_cases.support.email_correction import is_address
from entrypoints.bootstrap.container import Container
from entrypoints.http.api import upload_schemas
from entrypoints.http.client_address import client_key
from entrypoints.http.dependencies import LOCALE, CheckoutThreads, TheShop, first_language
from entrypoints.http.malformed_requests import require_plain_json
from entrypoints.http.request_bodies import AnyRequest

Code = Annotated[str, msgspec.Meta(max_length=LONGEST_CODE)]


class CheckoutRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a customer may say about a checkout. A price is not among it: it is refused, not ignored."""

    session_id: UUID
    email: str | None = None
    locale: str | None = None  # else what the browser says
    referral_code: Code | None = None  # a friend's, for a first order
    points_code: Code | None = None  # the customer's own, from an e-mail: their points come off the price

    def __post_init__(self) -> None:
        """Refuse what is no address or no locale; the message does not repeat it."""
        if self.email is not None and not is_address(self.email):
            raise ValueError("email is not an e-mail address, so correct it or leave it out")
        if self.locale is not None and re.fullmatch(LOCALE, self.locale) is None:
            raise ValueError("locale is not a language tag such as de-AT, so correct it or leave it out")


@post("/api/checkout-sessions", before_request=require_plain_json)
async def open_checkout(
    shop: TheShop, checkout_threads: CheckoutThreads, request: AnyRequest, data: JSONBody[CheckoutRequest]
) -> upload_schemas.CheckoutView:
    """Quote the session's photos and open the provider's page; asking again gives the same page."""
    locale = data.locale or first_language(request.headers.get("accept-language", ""))
    return await to_thread.run_sync(_open, shop, data, locale, client_key(request), limiter=checkout_threads)


def _open(
    shop: Container, data: CheckoutRequest, locale: str | None, client: str
) -> upload_schemas.CheckoutView:
    session_id = UploadSessionId(data.session_id)
    codes = Codes(referral=data.referral_code, points=data.points_code)
    shop.log_heads.check()
    shop.visitor_limits.open_checkout(client)
    if not codes.are_none:
        shop.visitor_limits.check_code_guesses(client)
    try:
        checkout = shop.checkout_service.open(session_id, email=data.email, locale=locale, codes=codes)
    except (UnknownReferralCodeError, UnknownPointsCodeError):
        shop.visitor_limits.count_code_guess(client)
        raise
    photos = len(shop.upload_service.find(session_id).photos)
    view = upload_schemas.opened_checkout(checkout, photos)
    if view is None:
        raise AssertionError("A checkout that was opened has its page.")
    return view
