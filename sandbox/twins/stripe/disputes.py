"""Disputes: the bank withdraws the money first."""

from sandbox.twins.common import Json
from sandbox.twins.stripe.account import Account, new_id
from sandbox.twins.stripe.errors import StripeError
from sandbox.twins.stripe.objects import payments

OPEN = {
    "needs_response",
    "under_review",
    "warning_needs_response",
    "warning_under_review",
    "appeal_needs_response",
    "appeal_under_review",
}


def open_dispute(account: Account, payment_intent_id: str, reason: str, *, is_inquiry: bool = False) -> Json:
    """Open a dispute of the whole payment.

    An inquiry withdraws no money and does not prevent refunds.
    """
    intent = account.load("payment_intent", payment_intent_id, "payment_intent")
    if intent["status"] != "succeeded":
        raise StripeError("Only a payment that has succeeded can be disputed.", param="payment_intent")
    charge = account.load("charge", intent["latest_charge"])
    if charge["disputed"]:
        raise StripeError("This payment is disputed already.", param="payment_intent")
    if not is_inquiry:
        account.save(charge | {"disputed": True})
    dispute = payments.dispute(charge, dispute_id=new_id("du"), now=account.now(), reason=reason)
    if is_inquiry:
        dispute |= {"status": "warning_needs_response", "is_charge_refundable": True}
    account.save(dispute)
    account.emit("charge.dispute.created", dispute)
    if not is_inquiry:
        account.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def escalate(account: Account, dispute: Json) -> Json:
    """Escalate an inquiry to a chargeback, which withdraws the money."""
    if not dispute["status"].startswith("warning_"):
        raise StripeError("Only an inquiry can become a chargeback.")
    dispute |= {"is_charge_refundable": False}
    dispute = _change(account, dispute, "needs_response", "charge.dispute.updated")
    account.save(account.load("charge", dispute["charge"]) | {"disputed": True})
    account.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def review(account: Account, dispute: Json) -> Json:
    """Put a dispute under review, as after submitting evidence."""
    prefix = "warning_" if dispute["status"].startswith("warning_") else ""
    return _change(account, dispute, f"{prefix}under_review", "charge.dispute.updated")


def appeal(account: Account, dispute: Json) -> Json:
    """Appeal against a lost dispute: the bank looks at it again."""
    if dispute["status"] != "lost":
        raise StripeError(f"A dispute that is {dispute['status']} cannot be appealed.")
    return _save(account, dispute, "appeal_under_review", "charge.dispute.updated")


def close(account: Account, dispute: Json, status: str) -> Json:
    """Close a dispute as `won` or `lost`, an inquiry as `warning_closed`."""
    if (status == "warning_closed") != dispute["status"].startswith("warning_"):
        raise StripeError(f"A dispute that is {dispute['status']} cannot end as {status}.")
    dispute = _change(account, dispute, status, "charge.dispute.closed")
    if status == "won":
        account.save(account.load("charge", dispute["charge"]) | {"disputed": False})
        account.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def _change(account: Account, dispute: Json, status: str, event_type: str) -> Json:
    if dispute["status"] not in OPEN:
        raise StripeError(f"This dispute is closed: {dispute['status']}.")
    return _save(account, dispute, status, event_type)


def _save(account: Account, dispute: Json, status: str, event_type: str) -> Json:
    dispute |= {"status": status}
    account.save(dispute)
    account.emit(event_type, dispute)
    return dispute
