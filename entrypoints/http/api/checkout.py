"""The route that opens a checkout at the payment provider."""

import re
from typing import Annotated
from uuid import UUID

import msgspec
from anyio import CapacityLimiter, to_thread
from litestar import post
from litestar.params import JSONBody

from domain.order.values import UploadSessionId
from domain.referral_program import LONGEST_CODE
from domain.use_cases.checkout.referrals_and_points import Codes
from domain.use_cases.checkout.uploads import UploadService
from domain.use_cases.support.email_correction import is_address
from entrypoints.http.api import upload_schemas
from entrypoints.http.checkouts import Checkouts
from entrypoints.http.dependencies import LOCALE, Given, first_language
from entrypoints.http.idempotency import Idempotency
from entrypoints.http.malformed_requests import require_plain_json
from entrypoints.http.openapi.contracts import checkout as contracts
from entrypoints.http.request_bodies import AnyRequest

Code = Annotated[str, msgspec.Meta(max_length=LONGEST_CODE)]


class CheckoutRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a request for a checkout.

    Unknown fields are refused, not ignored: a price for example.
    """

    session_id: UUID
    email: str | None = None
    locale: str | None = None  # by default the first of Accept-Language
    referral_code: Code | None = None  # another customer's, for a first order
    points_code: Code | None = None  # the customer's own, from an e-mail; spends their points
    shown_amount: Annotated[int, msgspec.Meta(ge=0)] | None = (
        None  # what the customer saw: another price is refused
    )

    def __post_init__(self) -> None:
        """Refuse a malformed address or locale, without repeating it in the message."""
        if self.email is not None and not is_address(self.email):
            raise ValueError("email is not an e-mail address, so correct it or leave it out")
        if self.locale is not None and re.fullmatch(LOCALE, self.locale) is None:
            raise ValueError("locale is not a language tag such as de-AT, so correct it or leave it out")


@post(
    "/api/checkout-sessions",
    before_request=require_plain_json,
    middleware=[Idempotency()],
    **contracts.OPEN_CHECKOUT,
)
async def open_checkout(
    checkouts: Given[Checkouts],
    upload_service: Given[UploadService],
    checkout_threads: Given[CapacityLimiter],
    request: AnyRequest,
    data: JSONBody[CheckoutRequest],
) -> upload_schemas.CheckoutView:
    """Quote the session's photos and open the provider's page.

    Idempotent: a repeated request gets the same page.
    """
    locale = data.locale or first_language(request.headers.get("accept-language", ""))
    session_id = UploadSessionId(data.session_id)
    codes = Codes(referral=data.referral_code, points=data.points_code)

    def open_and_show() -> upload_schemas.CheckoutView:
        checkout = checkouts.open(
            request,
            session_id,
            email=data.email,
            locale=locale,
            codes=codes,
            shown_amount=data.shown_amount,
        )
        photos = len(upload_service.find(session_id).photos)
        view = upload_schemas.opened_checkout(checkout, photos)
        if view is None:
            raise AssertionError("A checkout that was opened has its page.")
        return view

    return await to_thread.run_sync(open_and_show, limiter=checkout_threads)
