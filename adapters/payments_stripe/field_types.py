"""Types of Stripe's fields, bounded by what Stripe can send.

A value out of bounds is refused with its object: it could not be stored, or is no payment. The errors have the field's
name and its bound, but no value.
"""

from typing import Annotated

from msgspec import Meta

from adapters.webhooks.fields import LONGEST_ID

#: Stripe allows amounts of up to 12 digits in some currencies: https://docs.stripe.com/currencies
AMOUNT_DIGITS = 12

_LONGEST_NAME = 100

#: Minor units, without a sign.
Amount = Annotated[int, Meta(ge=0, le=10**AMOUNT_DIGITS - 1)]

#: An ISO 4217 code in any case.
CurrencyCode = Annotated[str, Meta(pattern=r"\A[A-Za-z]{3}\Z")]

#: A listed object's event id is the object's id and its status.
EventId = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID + 1 + _LONGEST_NAME)]

#: The name of an event's type, of an API version or of a status.
Name = Annotated[str, Meta(max_length=_LONGEST_NAME)]
