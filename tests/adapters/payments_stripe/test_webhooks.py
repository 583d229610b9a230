import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from adapters.payments_stripe import StripeNotices
from domain.order.values import DisputeOutcome, Money
from domain.ports.errors import ForgedMessageError
from domain.ports.payments import NoticeKind, PaymentNotice
from tests.adapters.support.provider_accounts import STRIPE_WEBHOOK_SECRET, stripe_payments
from tests.contracts.test_payments import pay_at, refund, wish
from tests.doubles.clock import StoppedClock, SystemClock
from tests.sandbox.processes import TwinProcess
from tests.sandbox.receiver import WebhookReceiver

CLOCK = StoppedClock()
SECRET = "whsec_now"
OLD_SECRET = "whsec_until_tomorrow"
NOTICES = StripeNotices((SECRET, OLD_SECRET), CLOCK)
EVENT = b'{"id": "evt_1", "object": "event", "type": "payout.paid", "data": {"object": {"id": "po_1"}}}'


def signature(body: bytes = EVENT, *, secret: str = SECRET, age_seconds: float = 0) -> str:
    timestamp = int(CLOCK.now().timestamp() - age_seconds)
    digest = hmac.new(secret.encode(), b"%d.%b" % (timestamp, body), hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def read(event: dict[str, Any]) -> PaymentNotice:
    body = json.dumps(event).encode()
    return NOTICES.read(body, {"stripe-signature": signature(body)})


def event(event_type: str, **fields: Any) -> dict[str, Any]:
    return {"id": "evt_1", "type": event_type, "data": {"object": {"id": "obj_1", **fields}}}


def test_what_stripe_posts_of_a_payment_is_read(stripe: TwinProcess, letterbox: WebhookReceiver) -> None:
    wished = wish()
    opened = stripe_payments(stripe.url).open_checkout(wished)
    intent = pay_at(stripe, opened.checkout_session_id)
    (posted,) = letterbox.wait_for("checkout.session.completed")
    notice = StripeNotices((STRIPE_WEBHOOK_SECRET,), SystemClock()).read(posted.body, posted.headers)
    assert (notice.kind, notice.event_id) == (NoticeKind.PAID, posted.json["id"])
    assert notice.checkout is not None
    assert notice.checkout.checkout_session_id == opened.checkout_session_id
    assert (notice.checkout.upload_session_id, notice.checkout.order_id) == (
        wished.upload_session_id,
        wished.order_id,
    )
    assert notice.checkout.payment_intent_id == intent
    assert (notice.checkout.paid, notice.checkout.discount) == (
        Money(amount=1470, currency="EUR"),
        Money(amount=0, currency="EUR"),
    )
    assert (notice.checkout.email, notice.checkout.name) == ("adele@example.com", "Adele Brandt")

    assert notice.created_at is not None
    assert abs(notice.created_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_notice_tells_when_it_came_to_be() -> None:
    told = read(event("payout.paid") | {"created": 1773500966})
    assert told.created_at == datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
    assert read(event("payout.paid")).created_at is None


@pytest.mark.parametrize("created", [-1, 253_402_300_800, "yesterday", 1.5])
def test_a_notice_of_no_moment_is_none_of_stripes(created: object) -> None:
    with pytest.raises(ForgedMessageError):
        read(event("payout.paid") | {"created": created})


def test_what_stripe_posts_of_a_refund_is_read(stripe: TwinProcess, letterbox: WebhookReceiver) -> None:
    payments = stripe_payments(stripe.url)
    wished = refund(pay_at(stripe, payments.open_checkout(wish()).checkout_session_id))
    made = payments.issue_refund(wished)
    (posted,) = letterbox.wait_for("refund.created")
    notices = StripeNotices((STRIPE_WEBHOOK_SECRET,), SystemClock())
    notice = notices.read(posted.body, posted.headers)
    assert (notice.kind, notice.refund, notice.refund_id, notice.payment_intent_id) == (
        NoticeKind.REFUND_ISSUED,
        made,
        wished.refund_id,
        wished.payment_intent_id,
    )
    (posted,) = letterbox.wait_for("charge.refunded")
    assert notices.read(posted.body, posted.headers).kind is NoticeKind.OTHER
    stripe.control("POST", f"refunds/{made.provider_refund_id}/settle", {"outcome": "failed"})
    (posted,) = letterbox.wait_for("refund.failed")
    assert notices.read(posted.body, posted.headers).kind is NoticeKind.REFUND_FAILED


@pytest.mark.parametrize(("verdict", "outcome"), [("won", DisputeOutcome.WON), ("lost", DisputeOutcome.LOST)])
def test_what_stripe_posts_of_a_dispute_is_read(
    stripe: TwinProcess, letterbox: WebhookReceiver, verdict: str, outcome: DisputeOutcome
) -> None:
    intent = pay_at(stripe, stripe_payments(stripe.url).open_checkout(wish()).checkout_session_id)
    dispute = stripe.control("POST", "disputes", {"payment_intent": intent})
    stripe.control("POST", f"disputes/{dispute['id']}/close", {"status": verdict})
    notices = StripeNotices((STRIPE_WEBHOOK_SECRET,), SystemClock())
    (opened,) = letterbox.wait_for("charge.dispute.created")
    (closed,) = letterbox.wait_for("charge.dispute.closed")
    notice = notices.read(opened.body, opened.headers)
    assert (notice.kind, notice.dispute_id, notice.payment_intent_id) == (
        NoticeKind.DISPUTE_OPENED,
        dispute["id"],
        intent,
    )
    assert (notice.dispute_amount, notice.reason) == (Money(amount=1470, currency="EUR"), "fraudulent")
    notice = notices.read(closed.body, closed.headers)
    assert (notice.kind, notice.outcome) == (NoticeKind.DISPUTE_CLOSED, outcome)


@pytest.mark.parametrize(
    ("event_type", "payment_status", "kind", "paid"),
    [
        ("checkout.session.completed", "paid", NoticeKind.PAID, 900),
        ("checkout.session.completed", "no_payment_required", NoticeKind.PAID, 900),
        ("checkout.session.completed", "unpaid", NoticeKind.PENDING, 0),
        ("checkout.session.completed", "a_status_of_tomorrow", NoticeKind.PENDING, 0),
        ("checkout.session.async_payment_succeeded", "paid", NoticeKind.PAID, 900),
        ("checkout.session.async_payment_failed", "unpaid", NoticeKind.ABANDONED, 0),
        ("checkout.session.expired", "unpaid", NoticeKind.ABANDONED, 0),
    ],
)
def test_a_checkout_is_paid_only_when_the_money_is_there(
    event_type: str, payment_status: str, kind: NoticeKind, paid: int
) -> None:
    notice = read(event(event_type, payment_status=payment_status, amount_total=900, currency="eur"))
    assert notice.kind is kind
    assert notice.checkout is not None
    assert notice.checkout.paid == Money(amount=paid, currency="EUR")


def test_a_discount_is_told() -> None:
    notice = read(
        event(
            "checkout.session.completed",
            payment_status="no_payment_required",
            amount_total=0,
            currency="eur",
            total_details={"amount_discount": 1470},
        )
    )
    assert notice.checkout is not None
    assert (notice.checkout.paid.amount, notice.checkout.discount.amount) == (0, 1470)


@pytest.mark.parametrize("metadata", [None, {}, {"order_id": "4711", "upload_session_id": ""}])
def test_a_checkout_that_this_shop_did_not_open_has_none_of_its_ids(metadata: dict[str, str] | None) -> None:
    fields = {"payment_status": "paid", "amount_total": 5, "currency": "usd", "metadata": metadata}
    notice = read(event("checkout.session.completed", **fields))
    assert notice.checkout is not None
    assert (notice.checkout.order_id, notice.checkout.upload_session_id) == (None, None)


@pytest.mark.parametrize(
    ("event_type", "status", "kind"),
    [
        ("refund.created", "pending", NoticeKind.REFUND_PENDING),
        ("refund.updated", "requires_action", NoticeKind.REFUND_PENDING),
        ("refund.created", "succeeded", NoticeKind.REFUND_ISSUED),
        ("refund.created", "failed", NoticeKind.REFUND_FAILED),
        ("refund.updated", "succeeded", NoticeKind.REFUND_ISSUED),
        ("refund.updated", "canceled", NoticeKind.REFUND_FAILED),
        ("refund.failed", "failed", NoticeKind.REFUND_FAILED),
    ],
)
def test_a_refund_is_on_its_way_until_it_is_paid_or_fails(
    event_type: str, status: str, kind: NoticeKind
) -> None:
    refund_id = uuid4()
    fields = {"amount": 490, "currency": "eur", "metadata": {"refund_id": str(refund_id)}}
    notice = read(event(event_type, status=status, payment_intent="pi_1", **fields))
    assert (notice.kind, notice.refund_id) == (kind, refund_id)
    assert notice.refund is not None
    assert notice.refund.has_failed is (kind is NoticeKind.REFUND_FAILED)


def test_why_a_refund_failed_is_told_as_a_code() -> None:
    fields = {"amount": 490, "currency": "eur", "payment_intent": "pi_1", "status": "failed"}
    assert read(event("refund.failed", failure_reason="lost_or_stolen_card", **fields)).reason == (
        "lost_or_stolen_card"
    )
    assert (
        read(event("refund.updated", failure_reason="ask adele@customers.example", **fields)).reason is None
    )


def test_a_refund_made_in_the_dashboard_has_no_id_of_ours() -> None:
    notice = read(event("refund.created", status="succeeded", amount=1, currency="eur", metadata={}))
    assert notice.refund_id is None


def test_the_reason_of_a_dispute_is_a_code_or_not_told() -> None:
    fields = {"amount": 490, "currency": "eur", "payment_intent": "pi_1", "status": "needs_response"}
    told = read(event("charge.dispute.created", reason="adele@customers.example says so", **fields))
    assert told.reason is None
    assert read(event("charge.dispute.created", reason="not_received", **fields)).reason == "not_received"


@pytest.mark.parametrize(
    "event_type", ["charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"]
)
@pytest.mark.parametrize(
    ("status", "outcome", "is_inquiry"),
    [
        ("needs_response", None, False),
        ("under_review", None, False),
        ("appeal_needs_response", None, False),
        ("appeal_under_review", None, False),
        ("a_status_of_tomorrow", None, False),
        ("warning_needs_response", None, True),
        ("warning_under_review", None, True),
        ("warning_closed", DisputeOutcome.INQUIRY_CLOSED, False),
        ("prevented", DisputeOutcome.PREVENTED, False),
        ("won", DisputeOutcome.WON, False),
        ("lost", DisputeOutcome.LOST, False),
    ],
)
def test_the_status_of_a_dispute_says_what_it_is(
    event_type: str, status: str, outcome: DisputeOutcome | None, *, is_inquiry: bool
) -> None:
    fields = {"amount": 490, "currency": "eur", "reason": "fraudulent", "payment_intent": "pi_1"}
    notice = read(event(event_type, status=status, **fields))
    kind = NoticeKind.DISPUTE_OPENED if outcome is None else NoticeKind.DISPUTE_CLOSED
    assert (notice.kind, notice.outcome, notice.is_inquiry) == (kind, outcome, is_inquiry)


@pytest.mark.parametrize(
    "money",
    [
        {"balance_transactions": [{"amount": -490}]},
        {"payment_method_details": {"card": {"case_type": "resolution"}, "type": "card"}},
    ],
)
def test_a_prevented_dispute_that_moved_money_is_lost(money: dict[str, Any]) -> None:
    fields = {"amount": 490, "currency": "eur", "status": "prevented", "payment_intent": "pi_1"}
    assert read(event("charge.dispute.closed", **fields, **money)).outcome is DisputeOutcome.LOST


@pytest.mark.parametrize("details", [None, {"email": None}, {"email": ""}, {"email": " \t"}])
def test_the_address_that_the_shop_gave_counts_where_the_customer_gave_none(
    details: dict[str, str | None] | None,
) -> None:
    fields = {
        "payment_status": "paid",
        "amount_total": 490,
        "currency": "eur",
        "payment_intent": "pi_made_up",
    }
    addresses = {"customer_details": details, "customer_email": "eve@example.com"}
    notice = read(event("checkout.session.completed", **fields, **addresses))
    assert notice.checkout is not None
    assert notice.checkout.email == "eve@example.com"


@pytest.mark.parametrize(
    ("subtotal", "total", "discount", "tax", "on_top"),
    [
        (490, 583, 0, 93, 93),
        (490, 463, 100, 73, 73),
        (490, 490, 0, 78, None),
        (490, 490, 0, 0, None),
        (400, 583, 0, 93, None),
        (None, 583, 0, 93, None),
    ],
    ids=["on top", "on top of a discount", "included", "none", "of another price", "untold"],
)
def test_tax_counts_where_stripe_added_it(
    subtotal: int | None, total: int, discount: int, tax: int, on_top: int | None
) -> None:
    totals = {"amount_discount": discount, "amount_tax": tax}
    fields = {"payment_status": "paid", "currency": "eur", "total_details": totals}
    notice = read(event("checkout.session.completed", **fields, amount_subtotal=subtotal, amount_total=total))
    assert notice.checkout is not None
    told = notice.checkout.tax
    assert (told.amount if told is not None else None) == on_top


@pytest.mark.parametrize("event_type", ["charge.refunded", "payout.paid"])
def test_what_the_shop_does_not_act_upon_is_other(event_type: str) -> None:
    assert read(event(event_type)).kind is NoticeKind.OTHER


@pytest.mark.parametrize(
    ("api_version", "kind", "is_old"),
    [
        ("2023-10-16", NoticeKind.REFUNDS_CHANGED, True),
        ("2024-09-30.acacia", NoticeKind.REFUNDS_CHANGED, True),
        ("2024-10-28.acacia", NoticeKind.OTHER, False),
        ("2026-10-28.endive", NoticeKind.OTHER, False),
        (None, NoticeKind.OTHER, False),
    ],
)
def test_a_refunded_charge_tells_something_where_refunds_have_no_events(
    api_version: str | None, kind: NoticeKind, *, is_old: bool
) -> None:
    notice = read({**event("charge.refunded", payment_intent="pi_1"), "api_version": api_version})
    assert (notice.kind, notice.is_of_old_version) == (kind, is_old)


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_either_secret_is_good_while_one_is_rolled(secret: str) -> None:
    header = signature(secret=secret)
    assert NOTICES.read(EVENT, {"stripe-signature": header}).event_type == "payout.paid"
    beside_another = header.replace("v1=", "v1=00ff,v0=11,v1=")
    assert NOTICES.read(EVENT, {"stripe-signature": beside_another}).event_id == "evt_1"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        "nonsense",
        "v1=00ff",
        "t=1773500966",
        "t=-5,v1=00",
        f"t={'9' * 400},v1=00",
        "t=²,v1=00",
        signature(secret="whsec_guessed"),
        signature(EVENT + b" "),
        signature().replace("v1=", "v0="),
        signature().upper(),
        signature(age_seconds=301),
        signature(age_seconds=-301),
    ],
)
def test_a_message_without_a_fresh_signature_is_forged(header: str) -> None:
    with pytest.raises(ForgedMessageError):
        NOTICES.read(EVENT, {"stripe-signature": header})


def test_a_message_without_any_header_is_forged() -> None:
    with pytest.raises(ForgedMessageError):
        NOTICES.read(EVENT, {})


@pytest.mark.parametrize("age_seconds", [299, -299])
def test_a_message_may_be_a_little_old_and_clocks_may_differ_a_little(age_seconds: int) -> None:
    NOTICES.read(EVENT, {"stripe-signature": signature(age_seconds=age_seconds)})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"id": 7}',
        b'{"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.error_report_triggered"}',
        b'{"id": "evt_1", "type": "refund.created", "data": {"object": {"id": "re_1"}}}',
    ],
)
def test_what_is_no_event_is_refused_even_when_it_is_signed(body: bytes) -> None:
    with pytest.raises(ForgedMessageError):
        NOTICES.read(body, {"stripe-signature": signature(body)})


@pytest.mark.parametrize(
    "unfit", ["\\u0000", "\\u0007", "\\u001b", "\\u007f", "\\u0085", "\\ud800", "\\udfff"]
)
def test_text_that_cannot_be_stored_costs_nothing_but_itself(unfit: str) -> None:
    person = f'{{"email":"a{unfit}da@customer.example","name":"A{unfit}da \\ud83d\\ude00"}}'
    session = (
        f'{{"id":"cs_{unfit}1","payment_status":"paid","amount_total":5,"currency":"eur","unknown":"{unfit}",'
        f'"customer_details":{person},"metadata":{{"locale":"d{unfit}e"}}}}'
    )
    body = (
        f'{{"id":"evt_1{unfit}","type":"checkout.session.completed","data":{{"object":{session}}}}}'
    ).encode()
    notice = NOTICES.read(body, {"stripe-signature": signature(body)})
    assert notice.checkout is not None
    assert (notice.event_id, notice.checkout.checkout_session_id) == ("evt_1", "cs_1")
    assert (notice.checkout.email, notice.checkout.name) == ("ada@customer.example", "Ada \N{GRINNING FACE}")
    assert notice.checkout.locale == "de"
    assert unfit.encode() not in NOTICES.contents(body)


def test_a_name_stays_on_one_line_and_within_bounds() -> None:
    person = {"email": "ada@customer.example", "name": " Ada\r\nBcc: all " + "x" * 9999}
    fields = {"payment_status": "paid", "amount_total": 5, "currency": "usd", "customer_details": person}
    checkout = read(event("checkout.session.completed", **fields)).checkout
    assert checkout is not None
    assert checkout.name is not None
    assert checkout.name.startswith("Ada  Bcc: all x")
    assert len(checkout.name) == 500


def test_json_nested_too_deep_is_refused_even_when_it_is_signed() -> None:
    body = b'{"a":"\\u0000","b":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(ForgedMessageError):
        NOTICES.read(body, {"stripe-signature": signature(body)})
