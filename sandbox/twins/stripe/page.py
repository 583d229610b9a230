"""The hosted payment page, a form that scripts can post too."""

from typing import Any
from urllib.parse import parse_qsl

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State

from sandbox.twins.common import GIVEN, Json
from sandbox.twins.common.pages import Pages
from sandbox.twins.stripe import form_values, payment
from sandbox.twins.stripe.account import Account
from sandbox.twins.stripe.checkout import SESSION

_PAGES = Pages("sandbox.twins.stripe")
#: Currencies without a smaller unit.
_WITHOUT_CENTS = {"jpy", "krw", "vnd", "clp", "isk"}


class PaymentPage(Controller):
    """The page where the customer pays, declines or cancels."""

    path = "/c/pay/{session_id:str}"

    @get("/", sync_to_thread=False)
    def show(self, session_id: str, account: Account = GIVEN) -> Response[str]:
        """Show the order and its actions."""
        return _show(account, account.load(SESSION, session_id))

    @post("/")
    async def act(
        self, request: Request[Any, Any, State], session_id: str, account: Account = GIVEN
    ) -> Response[str] | Response[bytes]:
        """Carry out the button's action."""
        form = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
        with account.ledger.transaction():
            return _act(account, account.load(SESSION, session_id), form)


def _act(account: Account, session: Json, form: dict[str, str]) -> Response[str] | Response[bytes]:
    action = form.get("action", "")
    email, name = form.get("email", "").strip(), form.get("name", "").strip() or None
    phone = form.get("phone", "").strip() or None
    if session["status"] != "open":
        return _show(account, session, "Nothing was changed: this order is no longer open.", 409)
    if action == "cancel" and session["cancel_url"]:
        return _go(session["cancel_url"])
    if not form_values.is_email(email):
        return _show(account, session, "Please enter a complete e-mail address.", 400, form)
    if session["phone_number_collection"]["enabled"] and phone is None:
        return _show(account, session, "Please enter a phone number.", 400, form)
    match action:
        case "pay":
            session = payment.pay(account, session, email, name, phone)
        case "pay_later" if payment.can_pay_later(session):
            session = payment.pay_later(account, session, email, name, phone)
        case "decline" if session["payment_status"] == "unpaid":
            session = payment.decline(account, session, email, name, phone)
            return _show(
                account, session, "Your card was declined. Nothing was paid; please try another.", 402, form
            )
        case _:
            return _show(account, session, "This order cannot be paid that way.", 400, form)
    return _go(_success_url(session))


def _show(
    account: Account,
    session: Json,
    alert: str = "",
    status_code: int = 200,
    form: dict[str, str] | None = None,
) -> Response[str]:
    currency = session["currency"]
    items = (account.ledger.get("line_items", session["id"]) or {})["data"]
    discount = session["total_details"]["amount_discount"]
    typed = form or {}
    return _PAGES.show(
        "pay.html",
        status_code,
        session=session,
        alert=alert,
        items=[{**item, "price": _money(item["amount_subtotal"], currency)} for item in items],
        discount=_money(discount, currency) if discount else "",
        total=_money(session["amount_total"], currency),
        free=session["payment_status"] == "no_payment_required",
        can_pay_later=payment.can_pay_later(session),
        email=typed.get("email", session["customer_email"] or ""),
        name=typed.get("name", ""),
        phone=typed.get("phone", ""),
        success_url=_success_url(session),
    )


def _success_url(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _go(url: str) -> Response[bytes]:
    return Response(b"", status_code=303, headers={"Location": url})


def _money(amount: int, currency: str) -> str:
    figure = f"{amount:,}" if currency in _WITHOUT_CENTS else f"{amount / 100:,.2f}"
    return f"{figure} {currency.upper()}"
