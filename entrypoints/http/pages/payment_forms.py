"""The form before the payment: an address and a code, both optional.

The shop stores no address before the payment. So that a customer who comes back from the payment page finds what they
typed, their browser keeps it for an hour, in a cookie of the session's own pages.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from domain.order.values import UploadSessionId
from domain.referral_program import LONGEST_CODE, as_typed, is_referral_code
from domain.use_cases.checkout.referrals_and_points import Codes
from domain.use_cases.support.email_correction import is_address
from entrypoints.http.pages.site import Site
from entrypoints.http.request_bodies import AnyRequest, whole_body

_AMOUNT = re.compile(r"\d{1,12}", re.ASCII)
_EMAIL_COOKIE = "typed_email"
_HOUR_SECONDS = 3600


class InvalidPaymentFormError(Exception):
    """A field cannot be accepted; ``phrase`` tells the customer why."""

    def __init__(self, phrase: str) -> None:
        self.phrase = phrase
        super().__init__(f"The payment form is not complete ({phrase}): correct it and send it again.")


@dataclass(frozen=True, kw_only=True)
class PaymentForm:
    """What a customer typed; None where they left a field empty."""

    email: str | None = None
    code: str | None = None
    amount: int | None = None  # on the button, in the currency's smallest unit

    def check(self) -> None:
        """Raise InvalidPaymentFormError for what cannot be right."""
        if self.email is not None and ("\0" in self.email or not is_address(self.email)):
            raise InvalidPaymentFormError("upload_page.email_wrong")
        if self.code is not None and ("\0" in self.code or len(self.code) > LONGEST_CODE):
            raise InvalidPaymentFormError("problem.points_code_unknown")

    @property
    def codes(self) -> Codes:
        """The code as the kind of code that it looks like."""
        if self.code is None:
            return Codes()
        is_referral = is_referral_code(as_typed(self.code))
        return Codes(referral=self.code) if is_referral else Codes(points=self.code)


def kept_form(request: AnyRequest) -> PaymentForm:
    """The form as this browser keeps it."""
    email = unquote(request.cookies.get(_EMAIL_COOKIE, ""))
    return PaymentForm(email=email if "\0" not in email and is_address(email) else None)


def keep_form(form: PaymentForm, session_id: UploadSessionId, site: Site) -> str:
    """The header that has a browser keep or forget the typed address."""
    seconds = _HOUR_SECONDS if form.email else 0
    return site.cookie(_EMAIL_COOKIE, quote(form.email or ""), seconds, f"/uploads/{session_id}")


async def read_payment_form(request: AnyRequest) -> PaymentForm:
    """The form of a request; raises the errors of ``whole_body``."""
    await whole_body(request)
    form = await request.form()
    return PaymentForm(
        email=_typed(form.get("email")), code=_typed(form.get("code")), amount=_amount(form.get("amount"))
    )


def _amount(value: object) -> int | None:
    return int(value) if isinstance(value, str) and _AMOUNT.fullmatch(value) else None


def _typed(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
