"""Sessions, line items and coupons."""

from collections.abc import Sequence

from sandbox.twins.common import Json


def checkout_session(
    params: Json, *, session_id: str, now: int, expires_at: int, line_items: Sequence[Json]
) -> Json:
    """Return a new open session."""
    subtotal = sum(item["amount_subtotal"] for item in line_items)
    discount = sum(item["amount_discount"] for item in line_items)
    total = subtotal - discount
    return {
        **_default_fields(),
        "id": session_id,
        "object": "checkout.session",
        "amount_subtotal": subtotal,
        "amount_total": total,
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "created": now,
        "currency": line_items[0]["currency"],
        "customer_details": _customer(params["customer_email"], None) if "customer_email" in params else None,
        "customer_email": params.get("customer_email"),
        "discounts": [
            {"coupon": one.get("coupon"), "promotion_code": None} for one in params.get("discounts", [])
        ],
        "expires_at": expires_at,
        "locale": params.get("locale"),
        "metadata": params.get("metadata", {}),
        "mode": params["mode"],
        "payment_method_types": params["payment_method_types"],
        "phone_number_collection": {
            "enabled": params.get("phone_number_collection", {}).get("enabled") == "true"
        },
        "payment_status": "unpaid" if total else "no_payment_required",
        "status": "open",
        "submit_type": params.get("submit_type"),
        "success_url": params["success_url"],
        "total_details": {"amount_discount": discount, "amount_shipping": 0, "amount_tax": 0},
    }


def with_customer(session: Json, email: str, name: str | None, phone: str | None = None) -> Json:
    """Return the session with the customer's details."""
    return session | {"customer_details": _customer(email, name, phone)}


def with_tax_on_top(session: Json, percent: int) -> Json:
    """Return the session with automatic tax added, unless it is free."""
    totals = session["total_details"]
    price = session["amount_subtotal"] - totals["amount_discount"]
    tax = (price * percent + 50) // 100
    return session | {
        "amount_total": price + tax,
        "automatic_tax": {
            "enabled": True,
            "liability": {"type": "self"},
            "provider": "stripe",
            "status": "complete",
        },
        "total_details": totals | {"amount_tax": tax},
    }


def line_item(item: Json, *, item_id: str, price_id: str, now: int, discount: int) -> Json:
    """Return a line item; `item` has currency, unit_amount, quantity and name."""
    subtotal = item["unit_amount"] * item["quantity"]
    return {
        "id": item_id,
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": discount,
        "amount_subtotal": subtotal,
        "amount_tax": 0,
        "amount_total": subtotal - discount,
        "currency": item["currency"],
        "description": item["name"],
        "metadata": {},
        "price": {
            "id": price_id,
            "object": "price",
            "active": False,
            "billing_scheme": "per_unit",
            "created": now,
            "currency": item["currency"],
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": None,
            "metadata": {},
            "nickname": None,
            "product": price_id.replace("price_", "prod_"),
            "recurring": None,
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time",
            "unit_amount": item["unit_amount"],
            "unit_amount_decimal": str(item["unit_amount"]),
        },
        "quantity": item["quantity"],
    }


def coupon(params: Json, *, coupon_id: str, now: int) -> Json:
    """Return a new coupon; numeric `params` are numbers already."""
    return {
        "id": coupon_id,
        "object": "coupon",
        "amount_off": params.get("amount_off"),
        "created": now,
        "currency": params.get("currency"),
        "duration": params.get("duration", "once"),
        "duration_in_months": None,
        "livemode": False,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": params.get("metadata", {}),
        "name": params.get("name"),
        "percent_off": params.get("percent_off"),
        "redeem_by": params.get("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
    }


def _customer(email: str, name: str | None, phone: str | None = None) -> Json:
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": phone,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _default_fields() -> Json:
    """The fields of a session that its request leaves at their defaults."""
    return {
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "client_secret": None,
        "consent": None,
        "consent_collection": None,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_creation": "if_required",
        "invoice": None,
        "invoice_creation": {"enabled": False, "invoice_data": None},
        "livemode": False,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "redirect_on_completion": None,
        "return_url": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "subscription": None,
        "ui_mode": "hosted_page",
        "url": None,
        "wallet_options": None,
    }
