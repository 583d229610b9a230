"""The operations of the checkout."""

from typing import Any

from litestar.openapi.spec import Example, OpenAPIFormat, OpenAPIMediaType, OpenAPIType, RequestBody, Schema

from domain.ports.errors import (
    DatabaseBehindError,
    RefusedError,
)
from domain.referral_program import LONGEST_CODE
from domain.use_cases.checkout.checkout import CheckoutFixedError, NothingToPayError, PriceChangedError
from domain.use_cases.checkout.referrals_and_points import (
    NoPointsError,
    NoReferralsError,
    OwnReferralCodeError,
    TwoCodesError,
    UnknownPointsCodeError,
    UnknownReferralCodeError,
)
from domain.use_cases.checkout.visitor_limits import TooManyRequestsError
from entrypoints.http import errors
from entrypoints.http.dependencies import LOCALE
from entrypoints.http.openapi import view_examples
from entrypoints.http.openapi.contracts.common import KEYED, REPLAYED, SESSION
from entrypoints.http.openapi.operations import (
    IDEMPOTENCY_KEY,
    Answer,
    documented,
)


def _optional(description: str, **limits: Any) -> Schema:
    return Schema(type=[OpenAPIType.STRING, OpenAPIType.NULL], description=description, **limits)


CHECKOUT_BODY = RequestBody(
    required=True,
    content={
        "application/json": OpenAPIMediaType(
            schema=Schema(
                type=OpenAPIType.OBJECT,
                required=["session_id"],
                additional_properties=False,
                properties={
                    "session_id": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.UUID),
                    "email": _optional("The customer's address.", format=OpenAPIFormat.EMAIL),
                    "locale": _optional(
                        "A language tag; by default the first of Accept-Language.", pattern=f"^{LOCALE}$"
                    ),
                    "referral_code": _optional("Another customer's code.", max_length=LONGEST_CODE),
                    "points_code": _optional(
                        "The customer's own code, from an e-mail; it spends their points.",
                        max_length=LONGEST_CODE,
                    ),
                },
            ),
            examples={
                "example": Example(
                    value={
                        "session_id": str(view_examples.UPLOAD.session_id),
                        "email": "ada@customer.example",
                    }
                )
            },
        )
    },
)
OPEN_CHECKOUT = documented(
    "Checkout",
    *KEYED,
    errors.BodyTooSlowError,
    errors.BodyCutError,
    *SESSION,
    NothingToPayError,
    PriceChangedError,
    CheckoutFixedError,
    NoPointsError,
    UnknownReferralCodeError,
    OwnReferralCodeError,
    NoReferralsError,
    UnknownPointsCodeError,
    TwoCodesError,
    TooManyRequestsError,
    RefusedError,
    DatabaseBehindError,
    parameters=[IDEMPOTENCY_KEY],
    body=CHECKOUT_BODY,
    answers={
        201: Answer(
            description="The page to pay on.",
            example=view_examples.CHECKOUT,
            headers=REPLAYED,
        )
    },
)
