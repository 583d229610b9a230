"""Disputes: the customer's bank takes the money back first and asks later."""

from sandbox.twins.kit import Json
from sandbox.twins.stripe.account import Account, new_id
from sandbox.twins.stripe.errors import StripeError
from sandbox.twins.stripe.shapes import money

OPEN = {"needs_response", "under_review"}


def open_dispute(account: Account, payment_intent_id: str, reason: str) -> Json:
    """Dispute the whole payment."""
    intent = account.load("payment_intent", payment_intent_id, "payment_intent")
    if intent["status"] != "succeeded":
        raise StripeError("Only a payment that has succeeded can be disputed.", param="payment_intent")
    charge = account.load("charge", intent["latest_charge"])
    if charge["disputed"]:
        raise StripeError("This payment is disputed already.", param="payment_intent")
    account.save(charge | {"disputed": True})
    dispute = money.dispute(charge, dispute_id=new_id("du"), now=account.now(), reason=reason)
    account.save(dispute)
    account.emit("charge.dispute.created", dispute)
    account.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def review(account: Account, dispute: Json) -> Json:
    """Put a dispute under review, as the bank does once there is evidence."""
    return _change(account, dispute, "under_review", "charge.dispute.updated")


def close(account: Account, dispute: Json, status: str) -> Json:
    """Decide a dispute: `won` by the shop, or `lost`."""
    dispute = _change(account, dispute, status, "charge.dispute.closed")
    if status == "won":
        account.save(account.load("charge", dispute["charge"]) | {"disputed": False})
        account.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def _change(account: Account, dispute: Json, status: str, event_type: str) -> Json:
    if dispute["status"] not in OPEN:
        raise StripeError(f"This dispute is closed: {dispute['status']}.")
    dispute |= {"status": status}
    account.save(dispute)
    account.emit(event_type, dispute)
    return dispute
