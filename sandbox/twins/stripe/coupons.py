"""Coupons: amounts, redemptions, expiry."""

from sandbox.twins.common import Json
from sandbox.twins.stripe import form_values
from sandbox.twins.stripe.account import Account, new_id
from sandbox.twins.stripe.errors import StripeError
from sandbox.twins.stripe.objects import checkout

PARAMETERS = frozenset(
    {
        "amount_off",
        "currency",
        "duration",
        "id",
        "max_redemptions",
        "metadata",
        "name",
        "percent_off",
        "redeem_by",
    }
)
LONGEST_NAME = 40
LONGEST_LIFE_SECONDS = 5 * 365 * 24 * 3600


def create(account: Account, params: Json) -> Json:
    """Create a coupon of a percentage or an amount."""
    form_values.known(params, PARAMETERS)
    numbers: Json = {}
    if "percent_off" in params:
        numbers["percent_off"] = _percent(params["percent_off"])
    else:
        amount = form_values.required(params, "amount_off")
        numbers["currency"] = form_values.required(params, "currency").lower()
        numbers["amount_off"] = form_values.charged(amount, "amount_off", numbers["currency"], at_least=1)
    if "max_redemptions" in params:
        numbers["max_redemptions"] = form_values.whole(
            params["max_redemptions"], "max_redemptions", at_least=1
        )
    if "redeem_by" in params:
        numbers["redeem_by"] = _last_moment(account, params["redeem_by"])
    if len(params.get("name", "")) > LONGEST_NAME:
        raise StripeError(f"Invalid string: must be at most {LONGEST_NAME} characters", param="name")
    given = params | {"metadata": form_values.metadata(params)} | numbers
    coupon = checkout.coupon(given, coupon_id=params.get("id") or new_id("co", 8), now=account.now())
    account.save(coupon)
    return coupon


def find(account: Account, coupon_id: str, param: str = "id") -> Json:
    """Return a coupon in its current validity."""
    coupon = account.load("coupon", coupon_id, param)
    return coupon | {"valid": _is_valid(account, coupon)}


def discounts(account: Account, params: Json, currency: str, subtotals: list[int]) -> list[int]:
    """Return the coupon's discount on each line of a new session."""
    given = params.get("discounts", [])
    if len(given) > 1:
        raise StripeError("You can only apply one discount to a Checkout Session.", param="discounts")
    if not given:
        return [0] * len(subtotals)
    param = "discounts[0][coupon]"
    coupon = _valid(account, form_values.required(given[0], "coupon"), param)
    if coupon["percent_off"] is not None:
        return [round(subtotal * coupon["percent_off"] / 100) for subtotal in subtotals]
    if coupon["currency"] != currency:
        raise StripeError(
            f"The coupon takes off {coupon['currency']}, the session is in {currency}.", param=param
        )
    left = coupon["amount_off"]
    taken = []
    for subtotal in subtotals:
        taken.append(min(left, subtotal))
        left -= taken[-1]
    return taken


def redeem(account: Account, session: Json) -> None:
    """Redeem the coupon of a session that is being paid.

    Raises StripeError if it is used up or expired.
    """
    for given in session["discounts"]:
        coupon = _valid(account, given["coupon"], "discounts[0][coupon]")
        coupon |= {"times_redeemed": coupon["times_redeemed"] + 1}
        account.save(coupon | {"valid": _is_valid(account, coupon)})


def _valid(account: Account, coupon_id: str, param: str) -> Json:
    coupon = find(account, coupon_id, param)
    if not coupon["valid"]:
        raise StripeError(f"Coupon {coupon_id} is expired or used up.", code="coupon_expired", param=param)
    return coupon


def _is_valid(account: Account, coupon: Json) -> bool:
    most, redeem_by = coupon["max_redemptions"], coupon["redeem_by"]
    is_left = most is None or coupon["times_redeemed"] < most
    return is_left and (redeem_by is None or account.now() <= redeem_by)


def _last_moment(account: Account, text: str) -> int:
    redeem_by = form_values.whole(text, "redeem_by", at_least=0)
    if not account.now() < redeem_by <= account.now() + LONGEST_LIFE_SECONDS:
        raise StripeError("redeem_by must be in the future, within five years.", param="redeem_by")
    return redeem_by


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = 0.0
    if not 0 < percent <= 100:  # noqa: PLR2004 (per cent)
        raise StripeError(f"Invalid percentage: {text}", param="percent_off")
    return percent
