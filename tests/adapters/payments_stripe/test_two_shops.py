"""Two shops on one Stripe account, both of which receive every event."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from adapters.localization.finding_text import finding_text_of
from adapters.payments_stripe import StripeListing, StripePayments
from domain.signed_tokens import sha256_of
from domain.use_cases.reconciliation.comparison import ComparisonContext
from domain.use_cases.reconciliation.findings import Finding, Foreign
from domain.use_cases.reconciliation.payments_missing_in_log import PaymentComparison
from tests.adapters.support.provider_accounts import stripe_payments
from tests.contracts.test_payments import pay_at
from tests.doubles.clock import CountingIds
from tests.doubles.container import InMemoryShop
from tests.sandbox.processes import TwinProcess

SINCE = datetime.now(UTC) - timedelta(minutes=5)


@pytest.fixture
def account(stripe: TwinProcess) -> StripePayments:
    return stripe_payments(stripe.url)


def shop_on(account: StripePayments, secret_key: bytes) -> InMemoryShop:
    ids = CountingIds(given=uuid4().int >> 1)  # the twin has the objects of earlier tests
    shop = InMemoryShop(payment_provider=account, secret_key=secret_key, ids=ids)
    shop.clock.moment = datetime.now(UTC)
    return shop


def compare(shop: InMemoryShop, account: StripePayments) -> tuple[list[Finding], list[Foreign]]:
    foreign: list[Foreign] = []
    context = ComparisonContext(
        since=SINCE,
        now=shop.clock.now(),
        grace=timedelta(hours=1),
        repairs=True,
        reads_bytes=False,
        watch=lambda _: None,
        report_foreign=foreign.append,
        report_defect=lambda error: pytest.fail(str(error)),
        report=lambda found: pytest.fail(finding_text_of(found).wrong),
    )
    comparison = PaymentComparison(
        unit_of_work=shop.unit_of_work,
        ledger=StripeListing(account.client),
        payments=account,
        payment_webhook=shop.payment_webhook,
        checkout_sync=shop.checkout_sync,
        ownership=shop.ownership,
    )
    return list(comparison.compare(context)), foreign


def test_payments_of_the_other_shop_are_never_refunded_or_recorded(
    stripe: TwinProcess, account: StripePayments
) -> None:
    ours = shop_on(account, b"our own key, of thirty-two characters")
    theirs = shop_on(account, b"their own key, thirty-two characters")
    sold: dict[str, str] = {}
    for shop in (ours, theirs):
        checkout = shop.checkout_service.open(shop.upload(b"wedding"), email="ada@customer.example")
        assert checkout.checkout_session_id is not None
        sold[checkout.checkout_session_id] = pay_at(stripe, checkout.checkout_session_id)
    stripe.control("POST", "refunds", {"payment_intent": list(sold.values())[1], "amount": 100})
    for event in StripeListing(account.client).events(SINCE):
        for shop in (ours, theirs):
            shop.payment_webhook.handle(event, sha256_of(event.event_id))

    for shop, own in zip((ours, theirs), sold, strict=True):
        shop.clock.advance(days=8)
        findings, foreign = compare(shop, account)
        assert findings == []
        assert own not in {each.subject for each in foreign}
        assert set(sold) - {own} <= {each.subject for each in foreign}
        assert shop.unmatched_payment_service.refund_due() == 0
        assert not shop.own_unit_of_work.pages.unmatched
        assert len(shop.own_unit_of_work.pages.orders) == 1
    refunds = [one for one in stripe.ledger()["objects"]["refund"] if one["payment_intent"] in sold.values()]
    assert [one["amount"] for one in refunds] == [100]
    assert len(ours.own_unit_of_work.pages.inbox) == 1
    assert len(theirs.own_unit_of_work.pages.inbox) == 2
