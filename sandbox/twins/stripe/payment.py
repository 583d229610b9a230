"""Outcomes of a checkout session: paid, paid later, declined, expired."""

from sandbox.twins.common import Json
from sandbox.twins.stripe import coupons
from sandbox.twins.stripe.account import Account, new_id
from sandbox.twins.stripe.checkout import SESSION
from sandbox.twins.stripe.errors import StripeError
from sandbox.twins.stripe.objects import checkout, payments

#: Bank debits: the money arrives days after the customer's consent.
DELAYED_METHODS = {"sepa_debit", "us_bank_account"}


def pay(account: Account, session: Json, email: str, name: str | None, phone: str | None = None) -> Json:
    """Pay by card, at once."""
    session = _with_customer(account, session, email, name, phone)
    coupons.redeem(account, session)
    if session["payment_status"] == "no_payment_required":
        return _complete(account, session)
    intent = _charge(account, session, "card", "succeeded")
    return _complete(account, session | {"payment_intent": intent["id"], "payment_status": "paid"})


def pay_later(
    account: Account, session: Json, email: str, name: str | None, phone: str | None = None
) -> Json:
    """Complete the session with a bank debit that is pending."""
    session = _with_customer(account, session, email, name, phone)
    coupons.redeem(account, session)
    method = next(method for method in session["payment_method_types"] if method in DELAYED_METHODS)
    intent = _charge(account, session, method, "pending")
    after = account.settings.debit_settles_after_seconds
    session = _complete(account, session | {"payment_intent": intent["id"]})
    if after is not None:
        account.set_timer(session["id"], "settle", account.now() + after)
    return session


def decline(account: Account, session: Json, email: str, name: str | None, phone: str | None = None) -> Json:
    """Decline the card; the session stays open."""
    session = _with_customer(account, session, email, name, phone)
    intent = _charge(account, session, "card", "failed")
    session |= {"payment_intent": intent["id"]}
    account.save(session)
    return session


def can_pay_later(session: Json) -> bool:
    """Whether there is an amount due, and a delayed payment method."""
    return session["payment_status"] == "unpaid" and not DELAYED_METHODS.isdisjoint(
        session["payment_method_types"]
    )


def settle(account: Account, session: Json, outcome: str) -> Json:
    """Let a pending bank debit succeed or fail."""
    intent = account.load("payment_intent", session["payment_intent"] or "none", "payment_intent")
    if intent["status"] != "processing":
        raise StripeError("Only a payment that is still processing can be settled.")
    _resolve(account, intent, account.load("charge", intent["latest_charge"]), outcome)
    if outcome == "succeeded":
        session |= {"payment_status": "paid"}
        account.save(session)
    account.clear_timer(session["id"])
    account.emit(f"checkout.session.async_payment_{outcome}", session)
    return session


def expire(account: Account, session: Json) -> Json:
    """Expire an open session."""
    if session["status"] != "open":
        raise StripeError(
            f'Only Checkout Sessions with a status in ["open"] can be expired; this is {session["status"]}.'
        )
    session |= {"status": "expired"}
    account.save(session)
    account.clear_timer(session["id"])
    account.emit("checkout.session.expired", session)
    return session


def run_timers(account: Account) -> None:
    """Run due timers: expire sessions, settle debits."""
    with account.ledger.transaction():
        for alarm in account.ledger.find("alarm"):
            if alarm["at"] <= account.now():
                session = account.load(SESSION, alarm["session"])
                if alarm["what"] == "expire":
                    expire(account, session)
                else:
                    settle(account, session, "succeeded")


def _with_customer(account: Account, session: Json, email: str, name: str | None, phone: str | None) -> Json:
    """Return the session with its customer, and their tax."""
    session = checkout.with_customer(session, email, name, phone)
    percent = account.settings.tax_on_top_percent
    return checkout.with_tax_on_top(session, percent) if percent else session


def _complete(account: Account, session: Json) -> Json:
    session |= {"status": "complete"}
    if account.settings.hides_customer_details:
        session |= {"customer_details": None}
    account.save(session)
    account.clear_timer(session["id"])
    account.emit("checkout.session.completed", session)
    return session


def _charge(account: Account, session: Json, method: str, status: str) -> Json:
    """Charge the session by a method; return the resulting payment intent."""
    if session["payment_intent"] is None:
        metadata = (account.ledger.get("line_items", session["id"]) or {})["payment_intent_metadata"]
        intent_id = new_id("pi")
        intent = payments.payment_intent(
            session, intent_id=intent_id, now=account.now(), metadata=metadata, method=method
        )
        account.emit("payment_intent.created", intent)
    else:
        intent = account.load("payment_intent", session["payment_intent"])
    intent |= {"payment_method": new_id("pm"), "payment_method_types": [method]}
    charge = payments.charge(
        intent, charge_id=new_id("ch"), now=account.now(), customer=session["customer_details"]
    )
    intent |= {"latest_charge": charge["id"], "status": "processing"}
    if status == "pending":
        account.save(intent)
        account.save(charge)
        account.emit("charge.pending", charge)
        return intent
    return _resolve(account, intent, charge, status)


def _resolve(account: Account, intent: Json, charge: Json, outcome: str) -> Json:
    """Store a charge's success or failure, and its payment intent."""
    if outcome == "succeeded":
        charge |= {"status": "succeeded", "captured": True, "paid": True, "amount_captured": charge["amount"]}
        intent |= {"status": "succeeded", "amount_received": intent["amount"], "last_payment_error": None}
    else:
        message = (
            "Your card was declined."
            if "card" in intent["payment_method_types"]
            else "The debit was returned."
        )
        failure = {"failure_code": "card_declined", "failure_message": message}
        charge |= {"status": "failed", "captured": False, "paid": False, **failure}
        error = {"type": "card_error", "code": "card_declined", "message": message, "charge": charge["id"]}
        intent |= {"status": "requires_payment_method", "payment_method": None, "last_payment_error": error}
    account.save(charge)
    account.save(intent)
    account.emit(f"charge.{outcome}", charge)
    account.emit(
        "payment_intent.succeeded" if outcome == "succeeded" else "payment_intent.payment_failed", intent
    )
    return intent
