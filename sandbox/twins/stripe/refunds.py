"""Refunds of a charge, up to its unrefunded amount."""

from sandbox.twins.common import Json
from sandbox.twins.stripe import form_values
from sandbox.twins.stripe.account import Account, new_id
from sandbox.twins.stripe.errors import StripeError
from sandbox.twins.stripe.objects import payments

PARAMETERS = frozenset({"amount", "charge", "expand", "metadata", "payment_intent", "reason"})
REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})


def create(account: Account, params: Json) -> Json:
    """Refund an amount, or the whole unrefunded amount."""
    form_values.known(params, PARAMETERS)
    charge = _charge_to_refund(account, params)
    left = charge["amount"] - charge["amount_refunded"]
    amount = left
    if "amount" in params:
        amount = form_values.charged(params["amount"], "amount", charge["currency"], at_least=1)
    if left == 0:
        raise StripeError(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if amount > left:
        raise StripeError(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).", param="amount"
        )
    status = "pending" if account.settings.refunds_pending else "succeeded"
    refund = payments.refund(charge, refund_id=new_id("re"), now=account.now(), amount=amount, status=status)
    if "reason" in params:
        refund["reason"] = form_values.one_of(params["reason"], "reason", REASONS)
    refund["metadata"] = form_values.metadata(params)
    account.save(refund)
    charge = _add_refunded(account, charge, amount)
    account.emit("refund.created", refund)
    account.emit("charge.refunded", charge)
    return refund


def settle(account: Account, refund: Json, outcome: str) -> Json:
    """Settle a pending refund, or fail one, which returns the money."""
    if refund["status"] == "failed" or (outcome == "succeeded" and refund["status"] != "pending"):
        raise StripeError(f"This refund has already {refund['status']}.")
    refund |= {"status": outcome}
    if outcome == "failed":
        refund |= {"failure_reason": "expired_or_canceled_card"}
        charge = account.load("charge", refund["charge"])
        _add_refunded(account, charge, -refund["amount"])
    account.save(refund)
    account.emit("refund.updated", refund)
    if outcome == "failed":
        account.emit("refund.failed", refund)
    return refund


def _charge_to_refund(account: Account, params: Json) -> Json:
    if "charge" in params:
        charge = account.load("charge", params["charge"], "charge")
    elif "payment_intent" in params:
        intent = account.load("payment_intent", params["payment_intent"], "payment_intent")
        if intent["status"] != "succeeded":
            raise StripeError(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                param="payment_intent",
            )
        charge = account.load("charge", intent["latest_charge"])
    else:
        raise StripeError(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    if charge["status"] != "succeeded":
        raise StripeError(f"Charge {charge['id']} has not succeeded and cannot be refunded.", param="charge")
    if charge["disputed"]:
        raise StripeError(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    return charge


def _add_refunded(account: Account, charge: Json, amount: int) -> Json:
    refunded = charge["amount_refunded"] + amount
    charge |= {"amount_refunded": refunded, "refunded": refunded == charge["amount"]}
    account.save(charge)
    return charge
