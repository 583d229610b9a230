import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from adapters.payments_stripe import StripeWebhookParser
from domain.order.values import DisputeOutcome, Money
from domain.ports.errors import ForgedMessageError
from domain.ports.payments import PaymentEventKind, PaymentWebhookEvent
from tests.adapters.support.provider_accounts import STRIPE_WEBHOOK_SECRET, stripe_payments
from tests.contracts.test_payments import new_checkout, pay_at, refund
from tests.doubles.clock import StoppedClock, SystemClock
from tests.sandbox.processes import TwinProcess
from tests.sandbox.receiver import WebhookReceiver

CLOCK = StoppedClock()
SECRET = "whsec_now"
OLD_SECRET = "whsec_until_tomorrow"
PARSER = StripeWebhookParser((SECRET, OLD_SECRET), CLOCK)
EVENT = b'{"id": "evt_1", "object": "event", "type": "payout.paid", "data": {"object": {"id": "po_1"}}}'


def signature(body: bytes = EVENT, *, secret: str = SECRET, age_seconds: float = 0) -> str:
    timestamp = int(CLOCK.now().timestamp() - age_seconds)
    digest = hmac.new(secret.encode(), b"%d.%b" % (timestamp, body), hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def read(event: dict[str, Any]) -> PaymentWebhookEvent:
    body = json.dumps(event).encode()
    return PARSER.read(body, {"stripe-signature": signature(body)})


def event(event_type: str, **fields: Any) -> dict[str, Any]:
    return {"id": "evt_1", "type": event_type, "data": {"object": {"id": "obj_1", **fields}}}


def test_stripes_webhook_of_a_payment_is_parsed(stripe: TwinProcess, receiver: WebhookReceiver) -> None:
    requested = new_checkout()
    opened = stripe_payments(stripe.url).open_checkout(requested)
    intent = pay_at(stripe, opened.checkout_session_id)
    (posted,) = receiver.wait_for("checkout.session.completed")
    webhook_event = StripeWebhookParser((STRIPE_WEBHOOK_SECRET,), SystemClock()).read(
        posted.body, posted.headers
    )
    assert (webhook_event.kind, webhook_event.event_id) == (PaymentEventKind.PAID, posted.json["id"])
    assert webhook_event.checkout is not None
    assert webhook_event.checkout.checkout_session_id == opened.checkout_session_id
    assert (webhook_event.checkout.upload_session_id, webhook_event.checkout.order_id) == (
        requested.upload_session_id,
        requested.order_id,
    )
    assert webhook_event.checkout.payment_intent_id == intent
    assert (webhook_event.checkout.paid, webhook_event.checkout.discount) == (
        Money(amount=1470, currency="EUR"),
        Money(amount=0, currency="EUR"),
    )
    assert (webhook_event.checkout.email, webhook_event.checkout.name) == (
        "adele@example.com",
        "Adele Brandt",
    )

    assert webhook_event.created_at is not None
    assert abs(webhook_event.created_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_webhook_event_has_its_creation_time() -> None:
    parsed = read(event("payout.paid") | {"created": 1773500966})
    assert parsed.created_at == datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
    assert read(event("payout.paid")).created_at is None


@pytest.mark.parametrize("created", [-1, 253_402_300_800, "yesterday", 1.5])
def test_a_webhook_event_with_an_invalid_time_is_refused(created: object) -> None:
    with pytest.raises(ForgedMessageError):
        read(event("payout.paid") | {"created": created})


def test_stripes_webhook_of_a_refund_is_parsed(stripe: TwinProcess, receiver: WebhookReceiver) -> None:
    payments = stripe_payments(stripe.url)
    requested = refund(pay_at(stripe, payments.open_checkout(new_checkout()).checkout_session_id))
    made = payments.issue_refund(requested)
    (posted,) = receiver.wait_for("refund.created")
    webhook_events = StripeWebhookParser((STRIPE_WEBHOOK_SECRET,), SystemClock())
    webhook_event = webhook_events.read(posted.body, posted.headers)
    assert (
        webhook_event.kind,
        webhook_event.refund,
        webhook_event.refund_id,
        webhook_event.payment_intent_id,
    ) == (
        PaymentEventKind.REFUND_ISSUED,
        made,
        requested.refund_id,
        requested.payment_intent_id,
    )
    (posted,) = receiver.wait_for("charge.refunded")
    assert webhook_events.read(posted.body, posted.headers).kind is PaymentEventKind.OTHER
    stripe.control("POST", f"refunds/{made.provider_refund_id}/settle", {"outcome": "failed"})
    (posted,) = receiver.wait_for("refund.failed")
    assert webhook_events.read(posted.body, posted.headers).kind is PaymentEventKind.REFUND_FAILED


@pytest.mark.parametrize(("verdict", "outcome"), [("won", DisputeOutcome.WON), ("lost", DisputeOutcome.LOST)])
def test_stripes_webhook_of_a_dispute_is_parsed(
    stripe: TwinProcess, receiver: WebhookReceiver, verdict: str, outcome: DisputeOutcome
) -> None:
    intent = pay_at(stripe, stripe_payments(stripe.url).open_checkout(new_checkout()).checkout_session_id)
    dispute = stripe.control("POST", "disputes", {"payment_intent": intent})
    stripe.control("POST", f"disputes/{dispute['id']}/close", {"status": verdict})
    webhook_events = StripeWebhookParser((STRIPE_WEBHOOK_SECRET,), SystemClock())
    (opened,) = receiver.wait_for("charge.dispute.created")
    (closed,) = receiver.wait_for("charge.dispute.closed")
    webhook_event = webhook_events.read(opened.body, opened.headers)
    assert (webhook_event.kind, webhook_event.dispute_id, webhook_event.payment_intent_id) == (
        PaymentEventKind.DISPUTE_OPENED,
        dispute["id"],
        intent,
    )
    assert (webhook_event.dispute_amount, webhook_event.reason) == (
        Money(amount=1470, currency="EUR"),
        "fraudulent",
    )
    webhook_event = webhook_events.read(closed.body, closed.headers)
    assert (webhook_event.kind, webhook_event.outcome) == (PaymentEventKind.DISPUTE_CLOSED, outcome)


@pytest.mark.parametrize(
    ("event_type", "payment_status", "kind", "paid"),
    [
        ("checkout.session.completed", "paid", PaymentEventKind.PAID, 900),
        ("checkout.session.completed", "no_payment_required", PaymentEventKind.PAID, 900),
        ("checkout.session.completed", "unpaid", PaymentEventKind.PENDING, 0),
        ("checkout.session.completed", "a_status_of_tomorrow", PaymentEventKind.PENDING, 0),
        ("checkout.session.async_payment_succeeded", "paid", PaymentEventKind.PAID, 900),
        ("checkout.session.async_payment_failed", "unpaid", PaymentEventKind.ABANDONED, 0),
        ("checkout.session.expired", "unpaid", PaymentEventKind.ABANDONED, 0),
    ],
)
def test_a_checkout_is_paid_only_when_the_money_arrived(
    event_type: str, payment_status: str, kind: PaymentEventKind, paid: int
) -> None:
    webhook_event = read(event(event_type, payment_status=payment_status, amount_total=900, currency="eur"))
    assert webhook_event.kind is kind
    assert webhook_event.checkout is not None
    assert webhook_event.checkout.paid == Money(amount=paid, currency="EUR")


def test_a_discount_is_parsed() -> None:
    webhook_event = read(
        event(
            "checkout.session.completed",
            payment_status="no_payment_required",
            amount_total=0,
            currency="eur",
            total_details={"amount_discount": 1470},
        )
    )
    assert webhook_event.checkout is not None
    assert (webhook_event.checkout.paid.amount, webhook_event.checkout.discount.amount) == (0, 1470)


@pytest.mark.parametrize("metadata", [None, {}, {"order_id": "4711", "upload_session_id": ""}])
def test_a_foreign_checkout_has_none_of_our_ids(metadata: dict[str, str] | None) -> None:
    fields = {"payment_status": "paid", "amount_total": 5, "currency": "usd", "metadata": metadata}
    webhook_event = read(event("checkout.session.completed", **fields))
    assert webhook_event.checkout is not None
    assert (webhook_event.checkout.order_id, webhook_event.checkout.upload_session_id) == (None, None)


@pytest.mark.parametrize(
    ("event_type", "status", "kind"),
    [
        ("refund.created", "pending", PaymentEventKind.REFUND_PENDING),
        ("refund.updated", "requires_action", PaymentEventKind.REFUND_PENDING),
        ("refund.created", "succeeded", PaymentEventKind.REFUND_ISSUED),
        ("refund.created", "failed", PaymentEventKind.REFUND_FAILED),
        ("refund.updated", "succeeded", PaymentEventKind.REFUND_ISSUED),
        ("refund.updated", "canceled", PaymentEventKind.REFUND_FAILED),
        ("refund.failed", "failed", PaymentEventKind.REFUND_FAILED),
    ],
)
def test_a_refund_is_pending_until_it_is_paid_or_fails(
    event_type: str, status: str, kind: PaymentEventKind
) -> None:
    refund_id = uuid4()
    fields = {"amount": 490, "currency": "eur", "metadata": {"refund_id": str(refund_id)}}
    webhook_event = read(event(event_type, status=status, payment_intent="pi_1", **fields))
    assert (webhook_event.kind, webhook_event.refund_id) == (kind, refund_id)
    assert webhook_event.refund is not None
    assert webhook_event.refund.has_failed is (kind is PaymentEventKind.REFUND_FAILED)


def test_a_failed_refund_has_a_reason_code() -> None:
    fields = {"amount": 490, "currency": "eur", "payment_intent": "pi_1", "status": "failed"}
    assert read(event("refund.failed", failure_reason="lost_or_stolen_card", **fields)).reason == (
        "lost_or_stolen_card"
    )
    assert (
        read(event("refund.updated", failure_reason="ask adele@customers.example", **fields)).reason is None
    )


def test_a_refund_made_in_the_dashboard_has_no_id_of_ours() -> None:
    webhook_event = read(event("refund.created", status="succeeded", amount=1, currency="eur", metadata={}))
    assert webhook_event.refund_id is None


@pytest.mark.parametrize(
    ("details", "respond_by"),
    [
        ({"due_by": 1_796_000_000}, datetime(2026, 11, 30, 0, 53, 20, tzinfo=UTC)),
        ({"due_by": None}, None),
        ({"due_by": -1}, None),
        ({"due_by": 10**18}, None),
        (None, None),
    ],
)
def test_the_date_of_a_response_is_read_where_it_is_possible(
    details: dict[str, Any] | None, respond_by: datetime | None
) -> None:
    fields = {"id": "dp_1", "amount": 980, "currency": "eur", "status": "needs_response"}
    parsed = read(event("charge.dispute.created", evidence_details=details, **fields))
    assert parsed.respond_by == respond_by


def test_the_reason_of_a_dispute_is_a_code_or_none() -> None:
    fields = {"amount": 490, "currency": "eur", "payment_intent": "pi_1", "status": "needs_response"}
    parsed = read(event("charge.dispute.created", reason="adele@customers.example says so", **fields))
    assert parsed.reason is None
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
def test_the_status_of_a_dispute_decides_its_event(
    event_type: str, status: str, outcome: DisputeOutcome | None, *, is_inquiry: bool
) -> None:
    fields = {"amount": 490, "currency": "eur", "reason": "fraudulent", "payment_intent": "pi_1"}
    webhook_event = read(event(event_type, status=status, **fields))
    kind = PaymentEventKind.DISPUTE_OPENED if outcome is None else PaymentEventKind.DISPUTE_CLOSED
    assert (webhook_event.kind, webhook_event.outcome, webhook_event.is_inquiry) == (
        kind,
        outcome,
        is_inquiry,
    )


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


@pytest.mark.parametrize("number", ["1e999", "9" * 5000, '{"y": [-1e400]}'])
@pytest.mark.parametrize(
    ("event_type", "fields"),
    [
        ("charge.dispute.updated", '"balance_transactions": [{"amount": -5, "exchange_rate": NUMBER}]'),
        ("charge.dispute.updated", '"evidence": {"uncategorized": NUMBER}, "x": NUMBER'),
        ("refund.updated", '"x": NUMBER'),
    ],
)
def test_a_number_of_any_size_in_an_unused_field_is_not_decoded(
    event_type: str, fields: str, number: str
) -> None:
    known = '"id": "obj_1", "amount": 980, "currency": "eur", "status": "lost"'
    about = f"{{{known}, {fields.replace('NUMBER', number)}}}"
    body = f'{{"id": "evt_1", "type": "{event_type}", "x": {number}, "data": {{"object": {about}}}}}'.encode()
    webhook_event = PARSER.read(body, {"stripe-signature": signature(body)})
    assert webhook_event.kind in {PaymentEventKind.DISPUTE_CLOSED, PaymentEventKind.REFUND_PENDING}


CHECKOUT = {"payment_status": "paid", "amount_total": 980, "currency": "eur", "payment_intent": "pi_1"}
REFUND = {"status": "succeeded", "amount": 980, "currency": "eur", "payment_intent": "pi_1"}
DISPUTE = {"status": "lost", "amount": 980, "currency": "eur", "payment_intent": "pi_1"}
LARGEST = 999_999_999_999
REPORTS = [
    ("checkout.session.completed", CHECKOUT, "amount_total"),
    ("checkout.session.expired", CHECKOUT, "amount_subtotal"),
    ("refund.created", REFUND, "amount"),
    ("refund.failed", REFUND, "amount"),
    ("charge.dispute.created", DISPUTE, "amount"),
]


@pytest.mark.parametrize(("event_type", "fields", "amount"), REPORTS)
@pytest.mark.parametrize("value", [-5, -1, LARGEST + 1, 2**63, 10**30])
def test_an_amount_that_stripe_cannot_send_is_refused(
    event_type: str, fields: dict[str, Any], amount: str, value: int
) -> None:
    with pytest.raises(ForgedMessageError, match=rf"`\$\.{amount}`") as refused:
        read(event(event_type, **{**fields, amount: value}))
    assert str(value) not in str(refused.value)


@pytest.mark.parametrize(("event_type", "fields", "amount"), REPORTS)
@pytest.mark.parametrize("currency", ["", "eu", "euro", "e1r", "€€€", "eur\n", "e\u0301ur"])
def test_a_currency_that_is_no_code_is_refused(
    event_type: str, fields: dict[str, Any], amount: str, currency: str
) -> None:
    with pytest.raises(ForgedMessageError, match=r"`\$\.currency`"):
        read(event(event_type, **{**fields, amount: 980, "currency": currency}))


@pytest.mark.parametrize(("event_type", "fields", "amount"), REPORTS)
@pytest.mark.parametrize("id_field", ["id", "payment_intent"])
@pytest.mark.parametrize("value", ["", "p" * 256, "p" * 20_000])
def test_an_id_that_no_index_holds_is_refused(
    event_type: str, fields: dict[str, Any], amount: str, id_field: str, value: str
) -> None:
    with pytest.raises(ForgedMessageError, match=rf"`\$\.{id_field}`"):
        read(event(event_type, **{**fields, amount: 980, id_field: value}))


@pytest.mark.parametrize("field", ["id", "type", "api_version"])
def test_an_event_with_a_field_that_no_index_holds_is_refused(field: str) -> None:
    with pytest.raises(ForgedMessageError, match=rf"`\$\.{field}`"):
        read({**event("payout.paid"), field: "e" * 20_000})


@pytest.mark.parametrize("field", ["amount_discount", "amount_tax"])
@pytest.mark.parametrize("value", [-1, 10**30])
def test_a_total_that_stripe_cannot_send_is_refused(field: str, value: int) -> None:
    with pytest.raises(ForgedMessageError, match=field):
        read(event("checkout.session.completed", **CHECKOUT, total_details={field: value}))


@pytest.mark.parametrize(("event_type", "fields", "amount"), REPORTS)
def test_the_largest_amount_and_the_longest_ids_are_read(
    event_type: str, fields: dict[str, Any], amount: str
) -> None:
    longest = {"id": "o" * 255, "payment_intent": "p" * 255, "currency": "IDR"}
    webhook_event = read(event(event_type, **{**fields, **longest, amount: LARGEST}))
    about = webhook_event.checkout or webhook_event
    assert about.payment_intent_id == "p" * 255


@pytest.mark.parametrize("points", ["9" * 13, "9" * 500, "\u0663", "-1", ""])
@pytest.mark.parametrize("field", ["points", "points_discount"])
def test_points_that_cannot_be_stored_are_none(field: str, points: str) -> None:
    spent = {"points": "5", "points_of": str(uuid4()), "points_discount": "5"}
    checkout = read(event("checkout.session.completed", **CHECKOUT, metadata=spent)).checkout
    assert checkout is not None
    assert checkout.spending is not None
    checkout = read(
        event("checkout.session.completed", **CHECKOUT, metadata={**spent, field: points})
    ).checkout
    assert checkout is not None
    assert checkout.spending is None


@pytest.mark.parametrize("details", [None, {"email": None}, {"email": ""}, {"email": " \t"}])
def test_the_shops_address_is_used_if_the_customer_gave_none(
    details: dict[str, str | None] | None,
) -> None:
    fields = {
        "payment_status": "paid",
        "amount_total": 490,
        "currency": "eur",
        "payment_intent": "pi_made_up",
    }
    addresses = {"customer_details": details, "customer_email": "eve@example.com"}
    webhook_event = read(event("checkout.session.completed", **fields, **addresses))
    assert webhook_event.checkout is not None
    assert webhook_event.checkout.email == "eve@example.com"


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
    webhook_event = read(
        event("checkout.session.completed", **fields, amount_subtotal=subtotal, amount_total=total)
    )
    assert webhook_event.checkout is not None
    parsed = webhook_event.checkout.tax
    assert (parsed.amount if parsed is not None else None) == on_top


@pytest.mark.parametrize("event_type", ["charge.refunded", "payout.paid"])
def test_events_without_an_action_are_other(event_type: str) -> None:
    assert read(event(event_type)).kind is PaymentEventKind.OTHER


@pytest.mark.parametrize(
    ("api_version", "kind", "is_old"),
    [
        ("2023-10-16", PaymentEventKind.REFUNDS_CHANGED, True),
        ("2024-09-30.acacia", PaymentEventKind.REFUNDS_CHANGED, True),
        ("2024-10-28.acacia", PaymentEventKind.OTHER, False),
        ("2026-10-28.endive", PaymentEventKind.OTHER, False),
        (None, PaymentEventKind.OTHER, False),
    ],
)
def test_a_refunded_charge_is_a_hint_where_refunds_have_no_events(
    api_version: str | None, kind: PaymentEventKind, *, is_old: bool
) -> None:
    webhook_event = read({**event("charge.refunded", payment_intent="pi_1"), "api_version": api_version})
    assert (webhook_event.kind, webhook_event.is_of_old_version) == (kind, is_old)


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_both_secrets_are_valid_during_rotation(secret: str) -> None:
    header = signature(secret=secret)
    assert PARSER.read(EVENT, {"stripe-signature": header}).event_type == "payout.paid"
    beside_another = header.replace("v1=", "v1=00ff,v0=11,v1=")
    assert PARSER.read(EVENT, {"stripe-signature": beside_another}).event_id == "evt_1"


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
        PARSER.read(EVENT, {"stripe-signature": header})


def test_a_message_without_any_header_is_forged() -> None:
    with pytest.raises(ForgedMessageError):
        PARSER.read(EVENT, {})


@pytest.mark.parametrize("age_seconds", [299, -299])
def test_a_message_may_be_a_little_old_and_clocks_may_differ_a_little(age_seconds: int) -> None:
    PARSER.read(EVENT, {"stripe-signature": signature(age_seconds=age_seconds)})


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
def test_a_signed_body_that_is_not_an_event_is_refused(body: bytes) -> None:
    with pytest.raises(ForgedMessageError):
        PARSER.read(body, {"stripe-signature": signature(body)})


@pytest.mark.parametrize(
    "unfit", ["\\u0000", "\\u0007", "\\u001b", "\\u007f", "\\u0085", "\\ud800", "\\udfff"]
)
def test_unstorable_text_is_removed_alone(unfit: str) -> None:
    person = f'{{"email":"a{unfit}da@customer.example","name":"A{unfit}da \\ud83d\\ude00"}}'
    session = (
        f'{{"id":"cs_{unfit}1","payment_status":"paid","amount_total":5,"currency":"eur","unknown":"{unfit}",'
        f'"customer_details":{person},"metadata":{{"locale":"d{unfit}e"}}}}'
    )
    body = (
        f'{{"id":"evt_1{unfit}","type":"checkout.session.completed","data":{{"object":{session}}}}}'
    ).encode()
    webhook_event = PARSER.read(body, {"stripe-signature": signature(body)})
    assert webhook_event.checkout is not None
    assert (webhook_event.event_id, webhook_event.checkout.checkout_session_id) == ("evt_1", "cs_1")
    assert (webhook_event.checkout.email, webhook_event.checkout.name) == (
        "ada@customer.example",
        "Ada \N{GRINNING FACE}",
    )
    assert webhook_event.checkout.locale == "de"
    assert unfit.encode() not in PARSER.contents(body)


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
        PARSER.read(body, {"stripe-signature": signature(body)})
