"""Validation of form values, with Stripe's messages."""

import re
from collections.abc import Collection
from typing import Any, cast

from sandbox.twins.common import Json
from sandbox.twins.stripe.errors import StripeError

MAX_METADATA_KEYS = 50
MAX_METADATA_KEY_LENGTH = 40
MAX_METADATA_VALUE_LENGTH = 500
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")

#: Amounts in these currencies are multiples of this (https://docs.stripe.com/currencies#special-cases).
_STEPS = {"bhd": 10, "jod": 10, "kwd": 10, "omr": 10, "tnd": 10, "isk": 100, "ugx": 100}


def known(params: Json, names: Collection[str]) -> None:
    """Refuse parameters that are not among the names."""
    for name in params:
        if name not in names:
            raise StripeError(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def required(params: Json, *path: str) -> Any:
    """Return a required parameter; its path names it in the error."""
    value: Any = params
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    if value in (None, "", [], {}):
        name = spelled(*path)
        raise StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return value


def whole(value: Any, param: str, *, at_least: int) -> int:
    """Return an integer of at least ``at_least``."""
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,15}", value):
        raise StripeError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=param)
    if int(value) < at_least:
        raise StripeError(
            f"This value must be greater than or equal to {at_least}.",
            code="parameter_invalid_integer",
            param=param,
        )
    return int(value)


def charged(text: str, param: str, currency: str, *, at_least: int) -> int:
    """Return an amount, a multiple of the currency's step."""
    amount = whole(text, param, at_least=at_least)
    step = _STEPS.get(currency.lower(), 1)
    if amount % step:
        raise StripeError(
            f"Invalid amount: {amount} in {currency.lower()} must be evenly divisible by {step}.",
            code="amount_invalid",
            param=param,
        )
    return amount


def one_of(value: str, param: str, choices: Collection[str]) -> str:
    """Return a value that is among the choices."""
    if value not in choices:
        listed = ", ".join(sorted(choices))
        raise StripeError(f"Invalid {param}: must be one of {listed}", param=param)
    return value


def email(value: str, param: str) -> str:
    """Return a plausible e-mail address."""
    if not is_email(value):
        raise StripeError(f"Invalid email address: {value}", code="email_invalid", param=param)
    return value


def is_email(value: object) -> bool:
    """Whether it is a plausible e-mail address."""
    return isinstance(value, str) and _EMAIL.fullmatch(value) is not None


def metadata(params: object, param: str = "metadata") -> Json:
    """Return the metadata within Stripe's limits; empty if missing."""
    value = (params.get("metadata") or {}) if isinstance(params, dict) else None
    if not isinstance(value, dict):
        raise StripeError("Invalid object", param=param)
    if len(value) > MAX_METADATA_KEYS:
        raise StripeError(f"Metadata can have up to {MAX_METADATA_KEYS} keys.", param=param)
    for key, text in value.items():
        if (
            len(key) > MAX_METADATA_KEY_LENGTH
            or not isinstance(text, str)
            or len(text) > MAX_METADATA_VALUE_LENGTH
        ):
            raise StripeError(
                f"Metadata keys can have up to {MAX_METADATA_KEY_LENGTH} characters and values up to "
                f"{MAX_METADATA_VALUE_LENGTH}; check {key[:60]!r}.",
                param=param,
            )
    return cast("Json", value)


def spelled(*path: str) -> str:
    """Return a path as forms write it: a[b][c]."""
    return path[0] + "".join(f"[{step}]" for step in path[1:])
