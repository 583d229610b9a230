"""Creation of checkout sessions: line items, total, expiry."""

from typing import Any

from sandbox.twins.common import Json
from sandbox.twins.stripe import coupons, form_values
from sandbox.twins.stripe.account import Account, new_id
from sandbox.twins.stripe.errors import StripeError
from sandbox.twins.stripe.objects import checkout

SESSION = "checkout.session"
SHORTEST_LIFE_SECONDS = 30 * 60
LONGEST_LIFE_SECONDS = 24 * 60 * 60
#: The smallest totals that Stripe charges; free is allowed.
SMALLEST_AMOUNTS = {"usd": 50, "eur": 50, "chf": 50, "gbp": 30}
#: The supported parameters of a session; others are refused as unknown.
PARAMETERS = frozenset(
    {
        "cancel_url",
        "client_reference_id",
        "customer_creation",
        "customer_email",
        "discounts",
        "expand",
        "expires_at",
        "line_items",
        "locale",
        "metadata",
        "mode",
        "payment_intent_data",
        "payment_method_types",
        "phone_number_collection",
        "submit_type",
        "success_url",
        "ui_mode",
    }
)


def create(account: Account, params: Json) -> Json:
    """Create a session with the shop's prices."""
    form_values.known(params, PARAMETERS)
    form_values.one_of(form_values.required(params, "mode"), "mode", {"payment"})
    form_values.one_of(params.get("ui_mode", "hosted_page"), "ui_mode", {"hosted_page"})
    form_values.required(params, "success_url")
    if "customer_email" in params:
        form_values.email(params["customer_email"], "customer_email")
    session_id = new_id("cs_test", 58)
    items = _line_items(account, params)
    session = checkout.checkout_session(
        params
        | {
            "metadata": form_values.metadata(params),
            "payment_method_types": params.get("payment_method_types") or _default_methods(items),
        },
        session_id=session_id,
        now=account.now(),
        expires_at=_expiry(account, params),
        line_items=items,
    )
    _check_total(session)
    account.save(session)
    intent_data = params.get("payment_intent_data", {})
    intent_metadata = form_values.metadata(intent_data, "payment_intent_data[metadata]")
    account.ledger.put("line_items", session_id, {"data": items, "payment_intent_metadata": intent_metadata})
    account.set_timer(session_id, "expire", session["expires_at"])
    return session


def _line_items(account: Account, params: Json) -> list[Json]:
    lines = form_values.required(params, "line_items")
    if not isinstance(lines, list):
        raise StripeError("Invalid array", param="line_items")
    items = [_priced(line, f"line_items[{index}]") for index, line in enumerate(lines)]
    if len({item["currency"] for item in items}) > 1:
        raise StripeError("All line items must have the same currency.", param="line_items")
    subtotals = [item["unit_amount"] * item["quantity"] for item in items]
    discounts = coupons.discounts(account, params, items[0]["currency"], subtotals)
    return [
        checkout.line_item(
            item, item_id=new_id("li"), price_id=new_id("price"), now=account.now(), discount=discount
        )
        for item, discount in zip(items, discounts, strict=True)
    ]


def _priced(line: Any, param: str) -> Json:
    if not isinstance(line, dict):
        raise StripeError("Invalid object", param=param)
    currency = form_values.required(line, "price_data", "currency")
    name = form_values.required(line, "price_data", "product_data", "name")
    unit_amount = form_values.required(line, "price_data", "unit_amount")
    return {
        "currency": currency.lower(),
        "name": name,
        "unit_amount": form_values.charged(
            unit_amount, f"{param}[price_data][unit_amount]", currency, at_least=0
        ),
        "quantity": form_values.whole(
            form_values.required(line, "quantity"), f"{param}[quantity]", at_least=1
        ),
    }


def _default_methods(items: list[Json]) -> list[str]:
    return ["card", "us_bank_account" if items[0]["currency"] == "usd" else "sepa_debit"]


def _expiry(account: Account, params: Json) -> int:
    if "expires_at" not in params:
        return account.now() + LONGEST_LIFE_SECONDS
    expires_at = form_values.whole(params["expires_at"], "expires_at", at_least=0)
    # A tolerance for clock drift and slow requests.
    life_seconds = expires_at - account.now()
    if not SHORTEST_LIFE_SECONDS - 60 <= life_seconds <= LONGEST_LIFE_SECONDS + 60:
        raise StripeError(
            "The `expires_at` timestamp must be 30 minutes to 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return expires_at


def _check_total(session: Json) -> None:
    smallest = SMALLEST_AMOUNTS.get(session["currency"], 0)
    if 0 < session["amount_total"] < smallest:
        raise StripeError(
            f"The total amount must be at least {smallest} of the smallest unit of {session['currency']}.",
            code="amount_too_small",
        )
