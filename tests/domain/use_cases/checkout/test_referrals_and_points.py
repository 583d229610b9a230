"""Referrals credit both customers once, and points are spent once."""

from dataclasses import replace

import pytest

from domain.order import events as e
from domain.order.values import (
    CustomerId,
    FailureReason,
    HoldReason,
    Money,
    OrderId,
    PointsReason,
    UploadSessionId,
)
from domain.ports.customers import Customer
from domain.ports.errors import UnavailableError
from domain.ports.payments import (
    CheckoutStatus,
    NewCheckout,
    OpenedCheckout,
    PaymentEventKind,
    PaymentWebhookEvent,
)
from domain.ports.personal_data import Erasure
from domain.ports.upload_sessions import Checkout, UploadStatus
from domain.referral_program import ReferralTerms
from domain.signed_tokens import sha256_of
from domain.use_cases.checkout.checkout import CheckoutFixedError
from domain.use_cases.checkout.referrals_and_points import (
    Codes,
    NoPointsError,
    NoReferralsError,
    OwnReferralCodeError,
    TwoCodesError,
    UnknownPointsCodeError,
    UnknownReferralCodeError,
)
from domain.use_cases.checkout.uploads import UploadSessionClosedError
from tests.doubles.container import POLICY, InMemoryShop

ADA, GRACE, FRAN = "ada@customer.example", "grace@friends.example", "fran@friends.example"


class ShopWithReferrals(InMemoryShop):
    """A shop whose customers refer one another."""

    def customer(self, email: str) -> Customer:
        with self.unit_of_work.transaction() as transaction:
            found = transaction.personal_data.find(email)
        assert found is not None
        return found

    def balance(self, email: str) -> int:
        customer_id = self.customer(email).customer_id
        with self.unit_of_work.transaction() as transaction:
            return transaction.points_balances.balance(customer_id)

    def points_code(self, email: str) -> str:
        customer = self.customer(email)
        return customer.referral_code + self.token_signer.points_token(customer.customer_id)

    def open(
        self, *, referral: str | None = None, points: str | None = None, photos: int = 1
    ) -> UploadSessionId:
        """Upload photos and open their checkout with codes."""
        session_id = self.upload(*[b"wedding %d" % number for number in range(photos)])
        self.checkout_service.open(session_id, email=None, codes=Codes(referral=referral, points=points))
        return session_id

    def checkout_of(self, session_id: UploadSessionId) -> Checkout:
        checkout = self.upload_service.find(session_id).checkout
        assert checkout is not None
        return checkout

    def buy(self, email: str, *, referral: str | None = None, points: str | None = None) -> OrderId:
        return self.pay(self.open(referral=referral, points=points), email=email)

    def refund(self, order_id: OrderId, amount: int) -> None:
        """Act as staff in the provider's dashboard: refund a part."""
        payment = self.order(order_id).payment
        assert payment is not None
        assert payment.payment_intent_id is not None
        made = self.payments.refund_by_hand(payment.payment_intent_id, amount)
        webhook_event = PaymentWebhookEvent(
            event_id=f"evt_{self.ids.new().int}",
            event_type="refund.created",
            kind=PaymentEventKind.REFUND_ISSUED,
            payment_intent_id=payment.payment_intent_id,
            refund=made,
        )
        self.payment_webhook.handle(webhook_event, sha256_of(b"webhook event"))


@pytest.fixture
def shop() -> ShopWithReferrals:
    """Ada, and Grace who used Ada's code: both have 100 points."""
    shop = ShopWithReferrals()
    shop.buy(ADA)
    shop.buy(GRACE, referral=shop.customer(ADA).referral_code)
    return shop


def spent(shop: ShopWithReferrals, order_id: OrderId) -> list[e.Event]:
    return [event for event in shop.events(order_id) if isinstance(event, e.PointsEvent)]


def test_a_friends_first_order_brings_points_to_both_in_the_step_that_begins_it(
    shop: ShopWithReferrals,
) -> None:
    assert (shop.balance(ADA), shop.balance(GRACE)) == (100, 100)
    session_id = shop.open(referral=shop.customer(GRACE).referral_code.lower())
    order_id = shop.pay(session_id, email=FRAN)
    fran, grace = shop.customer(FRAN).customer_id, shop.customer(GRACE).customer_id
    payment, *points = shop.events(order_id)
    assert isinstance(payment, e.PaymentReceived)
    assert points == [
        e.PointsCredited(customer_id=fran, points=100, reason=PointsReason.WELCOME),
        e.PointsCredited(customer_id=grace, points=100, reason=PointsReason.REFERRAL),
    ]


def test_only_a_first_order_earns_and_only_once(shop: ShopWithReferrals) -> None:
    shop.buy(GRACE, referral=shop.customer(ADA).referral_code)
    shop.buy(ADA, referral=shop.customer(GRACE).referral_code)
    assert (shop.balance(ADA), shop.balance(GRACE)) == (100, 100)


@pytest.mark.parametrize("address", [ADA, "ADA@customer.example", "ada+again@customer.example"])
def test_no_one_refers_themself(address: str) -> None:
    shop = ShopWithReferrals()
    shop.buy(ADA)
    code = shop.customer(ADA).referral_code
    session_id = shop.upload(b"wedding")
    with pytest.raises(OwnReferralCodeError):
        shop.checkout_service.open(session_id, email=address, codes=Codes(referral=code))
    assert shop.upload_service.find(session_id).status is UploadStatus.OPEN, "nothing is lost"
    shop.buy(address, referral=code)
    assert shop.balance(ADA) == 0


def test_nothing_is_earned_where_nothing_was_paid(shop: ShopWithReferrals) -> None:
    session_id = shop.open(referral=shop.customer(ADA).referral_code)
    nothing, all_of_it = Money(amount=0, currency="EUR"), Money(amount=490, currency="EUR")
    order_id = shop.pay(session_id, email=FRAN, paid=nothing, discount=all_of_it, payment_intent_id=None)
    assert not spent(shop, order_id)
    shop.buy(FRAN, referral=shop.customer(ADA).referral_code)
    assert shop.balance(FRAN) == 0, "and the first order is over"


def test_an_order_on_hold_earns_and_loses_it_with_its_money(shop: ShopWithReferrals) -> None:
    session_id = shop.open(referral=shop.customer(ADA).referral_code)
    order_id = shop.pay(session_id, email=FRAN, paid=Money(amount=390, currency="EUR"))
    assert shop.order(order_id).hold is HoldReason.AMOUNT_MISMATCH
    assert (shop.balance(ADA), shop.balance(FRAN)) == (200, 100)


def forget(shop: ShopWithReferrals, email: str) -> CustomerId:
    customer_id = shop.customer(email).customer_id
    with shop.unit_of_work.transaction() as transaction:
        transaction.personal_data.forget(
            Erasure(
                erasure_id=shop.ids.new(),
                customer_id=customer_id,
                actor="person:ada",
                reason="asked by mail",
                erased_at=shop.clock.now(),
            )
        )
    return customer_id


def test_erased_customers_refer_no_one_and_return_as_new_customers(shop: ShopWithReferrals) -> None:
    code, points_code = shop.customer(GRACE).referral_code, shop.points_code(GRACE)
    session_id = shop.open(referral=code)
    grace = forget(shop, GRACE)
    order_id = shop.pay(session_id, email=FRAN)
    assert not spent(shop, order_id), "the code was good, and is no more"
    with pytest.raises(UnknownReferralCodeError):
        shop.open(referral=code)
    with pytest.raises(UnknownPointsCodeError):
        shop.open(points=points_code)
    shop.buy(GRACE, referral=shop.customer(ADA).referral_code)
    assert shop.customer(GRACE).customer_id != grace
    assert shop.balance(GRACE) == 100


@pytest.mark.parametrize("code", ["", "NOBODYS0", "x" * 64, "\x00", "ÄÖÜ", "'; --"])
def test_unknown_codes_are_refused_and_nothing_is_lost(shop: ShopWithReferrals, code: str) -> None:
    session_id = shop.upload(b"wedding")
    with pytest.raises(UnknownReferralCodeError):
        shop.checkout_service.open(session_id, email=None, codes=Codes(referral=code))
    with pytest.raises(UnknownPointsCodeError):
        shop.checkout_service.open(session_id, email=None, codes=Codes(points=code))
    assert shop.upload_service.find(session_id).status is UploadStatus.OPEN
    assert shop.order(shop.pay(session_id)).hold is None


def test_a_referral_code_and_an_address_give_no_access_to_points(shop: ShopWithReferrals) -> None:
    with pytest.raises(UnknownPointsCodeError):
        shop.open(points=shop.customer(ADA).referral_code)
    with pytest.raises(UnknownPointsCodeError):
        shop.open(points=shop.customer(ADA).referral_code + shop.points_code(GRACE)[8:])
    session_id = shop.upload(b"wedding")
    shop.checkout_service.open(session_id, email=ADA)
    assert shop.checkout_of(session_id).spending is None


def test_points_come_off_the_price_and_are_gone_with_the_payment(shop: ShopWithReferrals) -> None:
    session_id = shop.open(points=shop.points_code(ADA).lower())
    (request,) = [one for one in shop.payments.checkouts.values() if one.upload_session_id == session_id]
    assert request.spending is not None
    assert (request.spending.points, request.spending.discount) == (100, Money(amount=100, currency="EUR"))
    assert shop.balance(ADA) == 100, "nothing is paid yet"
    order_id = shop.pay(session_id, email=ADA)
    payment = shop.order(order_id).payment
    assert payment is not None
    assert (payment.quoted.amount, payment.discount.amount, payment.paid.amount) == (490, 100, 390)
    assert shop.balance(ADA) == 0
    assert shop.order(order_id).hold is None
    with pytest.raises(NoPointsError):
        shop.open(points=shop.points_code(ADA))


def test_an_order_that_points_pay_for_whole_is_an_order() -> None:
    shop = ShopWithReferrals(replace(POLICY, referral_terms=ReferralTerms(referral_points=500)))
    shop.buy(ADA)
    shop.buy(GRACE, referral=shop.customer(ADA).referral_code)
    order_id = shop.buy(ADA, points=shop.points_code(ADA))
    payment = shop.order(order_id).payment
    assert payment is not None
    assert (payment.paid.amount, payment.payment_intent_id) == (0, None)
    assert shop.balance(ADA) == 10
    assert shop.live(order_id, hours=0.2).images
    assert shop.order(order_id).restored_images


def test_points_are_spent_once_however_many_checkouts_are_open(shop: ShopWithReferrals) -> None:
    first = shop.open(points=shop.points_code(ADA))
    with pytest.raises(NoPointsError):
        shop.open(points=shop.points_code(ADA))
    shop.checkout_service.open(first, email=None, codes=Codes(points=shop.points_code(ADA)))
    assert len([one for one in shop.payments.checkouts.values() if one.spending]) == 1, "it is the same page"


def test_points_are_free_again_when_their_checkout_is_given_up(shop: ShopWithReferrals) -> None:
    given_up = shop.open(points=shop.points_code(ADA))
    page = shop.checkout_of(given_up).checkout_session_id
    assert page is not None
    shop.payments.expire(page)
    shop.payment_webhook.handle(
        shop.webhook_event(page, PaymentEventKind.ABANDONED), sha256_of(b"webhook event")
    )
    forgotten = shop.open(points=shop.points_code(ADA))
    shop.clock.advance(minutes=69)
    with pytest.raises(NoPointsError):
        shop.open(points=shop.points_code(ADA))
    shop.clock.advance(minutes=2)
    assert shop.checkout_of(shop.open(points=shop.points_code(ADA))).spending
    assert shop.checkout_of(forgotten).spending


def test_points_stay_reserved_while_delayed_money_is_on_its_way(shop: ShopWithReferrals) -> None:
    session_id = shop.open(points=shop.points_code(ADA))
    page = shop.checkout_of(session_id).checkout_session_id
    assert page is not None
    shop.payments.pay_later(page, ADA)
    shop.payment_webhook.handle(
        shop.webhook_event(page, PaymentEventKind.PENDING), sha256_of(b"webhook event")
    )
    shop.clock.advance(days=3)
    with pytest.raises(NoPointsError):
        shop.open(points=shop.points_code(ADA))
    shop.payments.settle(page, has_failed=False)
    shop.payment_webhook.handle(shop.webhook_event(page, PaymentEventKind.PAID), sha256_of(b"webhook event"))
    assert shop.balance(ADA) == 0


def test_codes_may_still_be_given_when_a_checkout_without_points_is_open(shop: ShopWithReferrals) -> None:
    session_id = shop.open()
    plain = shop.checkout_of(session_id)
    with_points = shop.checkout_service.open(
        session_id, email=None, codes=Codes(points=shop.points_code(ADA))
    )
    assert with_points.url != plain.url
    assert with_points.attempt == plain.attempt + 1
    assert shop.checkout_service.open(session_id, email=None) == with_points, "who gives none leaves it so"
    with pytest.raises(CheckoutFixedError):
        shop.checkout_service.open(session_id, email=None, codes=Codes(points=shop.points_code(GRACE)))
    referral = Codes(referral=shop.customer(GRACE).referral_code)
    with pytest.raises(CheckoutFixedError):
        shop.checkout_service.open(session_id, email=None, codes=referral)


def test_a_page_that_another_one_replaces_is_expired_at_the_provider(shop: ShopWithReferrals) -> None:
    session_id = shop.open()
    plain = shop.checkout_of(session_id).checkout_session_id
    shop.checkout_service.open(session_id, email=None, codes=Codes(points=shop.points_code(ADA)))
    replacing = shop.checkout_of(session_id).checkout_session_id
    assert plain is not None
    assert replacing is not None
    assert shop.payments.states[plain].status is CheckoutStatus.EXPIRED
    assert shop.payments.states[replacing].status is CheckoutStatus.OPEN


def test_a_page_that_was_paid_before_it_could_be_replaced_counts_as_paid(shop: ShopWithReferrals) -> None:
    session_id = shop.open()
    page = shop.checkout_of(session_id).checkout_session_id
    assert page is not None
    shop.payments.pay(page, ADA)
    with pytest.raises(UploadSessionClosedError):
        shop.checkout_service.open(session_id, email=None, codes=Codes(points=shop.points_code(ADA)))
    shop.payment_webhook.handle(shop.webhook_event(page, PaymentEventKind.PAID), sha256_of(b"webhook event"))
    assert shop.order(shop.upload_service.find(session_id).order_id).paid_amount == 490
    assert shop.balance(ADA) == 100


def test_a_page_that_was_replaced_while_it_was_being_opened_is_expired(
    shop: ShopWithReferrals, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = shop.upload(b"wedding")
    points = Codes(points=shop.points_code(ADA))
    open_checkout = shop.payments.open_checkout

    def open_and_be_overtaken(request: NewCheckout) -> OpenedCheckout:
        monkeypatch.undo()
        opened = open_checkout(request)
        shop.checkout_service.open(session_id, email=None, codes=points)
        return opened

    monkeypatch.setattr(shop.payments, "open_checkout", open_and_be_overtaken)
    overtaken = shop.checkout_service.open(session_id, email=None).checkout_session_id
    current = shop.checkout_of(session_id)
    assert current.spending is not None
    assert overtaken is not None
    assert current.checkout_session_id is not None
    assert shop.payments.states[overtaken].status is CheckoutStatus.EXPIRED
    assert shop.payments.states[current.checkout_session_id].status is CheckoutStatus.OPEN


def test_the_older_page_at_the_full_price_still_makes_the_order_and_spends_nothing(
    shop: ShopWithReferrals,
) -> None:
    session_id = shop.open()
    page = shop.checkout_of(session_id).checkout_session_id
    assert page is not None
    shop.checkout_service.open(session_id, email=None, codes=Codes(points=shop.points_code(ADA)))
    shop.payments.pay(page, ADA)
    shop.payment_webhook.handle(shop.webhook_event(page, PaymentEventKind.PAID), sha256_of(b"webhook event"))
    order_id = shop.upload_service.find(session_id).order_id
    assert shop.order(order_id).hold is None
    assert shop.order(order_id).paid_amount == 490
    assert shop.balance(ADA) == 100
    assert shop.checkout_of(shop.open(points=shop.points_code(ADA))).spending, "nothing is reserved any more"


@pytest.mark.parametrize("amount", [0, 50, 200])
def test_another_discount_than_was_reserved_holds_the_order_and_spends_nothing(
    shop: ShopWithReferrals, amount: int
) -> None:
    session_id = shop.open(points=shop.points_code(ADA))
    discount, paid = Money(amount=amount, currency="EUR"), Money(amount=490 - amount, currency="EUR")
    order_id = shop.pay(session_id, email=ADA, discount=discount, paid=paid)
    assert shop.order(order_id).hold is HoldReason.AMOUNT_MISMATCH
    assert shop.balance(ADA) == 100


def test_points_on_which_two_payments_count_are_spent_once_and_the_later_order_waits_for_a_person(
    shop: ShopWithReferrals,
) -> None:
    code = shop.points_code(ADA)
    slow = shop.open(points=code)
    shop.clock.advance(minutes=71)
    quick = shop.open(points=code)
    for session_id in (quick, slow):  # the slow webhook arrives when its points were released, and spent
        page = shop.checkout_of(session_id).checkout_session_id
        assert page is not None
        shop.payments.pay(page, ADA)
        shop.payment_webhook.handle(
            shop.webhook_event(page, PaymentEventKind.PAID), sha256_of(b"webhook event")
        )
    first, second = (shop.order(shop.upload_service.find(one).order_id) for one in (quick, slow))
    assert (first.hold, second.hold) == (None, HoldReason.AMOUNT_MISMATCH)
    assert shop.balance(ADA) == 0
    assert not spent(shop, second.order_id)


def test_a_checkout_that_could_not_be_opened_is_tried_again_with_the_same_points(
    shop: ShopWithReferrals,
) -> None:
    session_id = shop.upload(b"wedding")
    codes = Codes(points=shop.points_code(ADA))
    shop.payments.fault_injector.fail("open_checkout", UnavailableError("The double", "out for lunch"))
    with pytest.raises(UnavailableError):
        shop.checkout_service.open(session_id, email=None, codes=codes)
    opened = shop.checkout_service.open(session_id, email=None, codes=codes)
    assert (opened.attempt, opened.spending is not None) == (1, True)


def test_a_refund_takes_back_what_was_earned_and_gives_back_what_was_spent(shop: ShopWithReferrals) -> None:
    friends = shop.buy(FRAN, referral=shop.customer(ADA).referral_code)
    own = shop.buy(ADA, points=shop.points_code(ADA))
    assert (shop.balance(ADA), shop.balance(FRAN)) == (0, 100)
    shop.refund(friends, 245)
    assert (shop.balance(ADA), shop.balance(FRAN)) == (-50, 50), "what is spent already is owed"
    with pytest.raises(NoPointsError):
        shop.open(points=shop.points_code(ADA))
    shop.refund(own, 290)
    assert shop.balance(ADA) == 200 - 50
    shop.refund(friends, 245)
    assert (shop.balance(ADA), shop.balance(FRAN)) == (100, 0)


def test_a_customer_who_spends_points_is_no_newcomer(shop: ShopWithReferrals) -> None:
    with pytest.raises(TwoCodesError):
        shop.open(points=shop.points_code(ADA), referral=shop.customer(GRACE).referral_code)


def test_a_shop_without_a_programme_takes_no_recommendations_and_honours_points() -> None:
    shop = ShopWithReferrals()
    shop.buy(ADA)
    shop.buy(GRACE, referral=shop.customer(ADA).referral_code)
    off = ShopWithReferrals(
        replace(POLICY, referral_terms=ReferralTerms(referral_points=0)), unit_of_work=shop.unit_of_work
    )
    off.ids.given, off.storage, off.payments = shop.ids.given, shop.storage, shop.payments
    with pytest.raises(NoReferralsError):
        off.open(referral=off.customer(ADA).referral_code)
    assert off.checkout_of(off.open(points=off.points_code(ADA))).spending
    ada = off.customer(ADA)
    with off.unit_of_work.transaction() as transaction:
        offered = off.referral_program.rewards_for(transaction, ada, "EUR")
    assert offered is not None
    assert (offered.referral_code, offered.points) == (None, 100)


def test_only_result_mails_mention_points(shop: ShopWithReferrals) -> None:
    order_id = shop.buy(FRAN, referral=shop.customer(ADA).referral_code)
    shop.live(order_id, hours=0.2)
    letters = {
        mail.content.subject: mail.content.html
        for mail in shop.mailer.mailbox.values()
        if mail.order_id == order_id
    }
    proof = shop.token_signer.points_token(shop.customer(FRAN).customer_id)
    assert proof in letters["result"].replace("-", "")
    assert "points=100" in letters["result"]
    assert proof not in letters["confirmation"].replace("-", "")


def test_who_is_disappointed_is_not_advertised_to() -> None:
    shop = InMemoryShop(policy=POLICY)
    shop.pay(shop.upload(b"wedding", b"harvest"))
    shop.work()
    shop.restorer.fail("prediction-1", FailureReason.CONTENT_FILTER)
    shop.post_prediction("prediction-1")
    shop.work()
    shop.end_predictions()
    shop.work()
    letters = {mail.content.subject: mail.content.html for mail in shop.mailer.mailbox.values()}
    assert "rewards=None" in letters["partial_result"]


def test_the_own_reservation_does_not_count_when_the_quote_is_too_old(shop: ShopWithReferrals) -> None:
    session_id, codes = shop.upload(b"wedding"), Codes(points=shop.points_code(ADA))
    shop.payments.fault_injector.fail("open_checkout", UnavailableError("The double", "out for lunch"))
    with pytest.raises(UnavailableError):
        shop.checkout_service.open(session_id, email=None, codes=codes)
    shop.clock.advance(minutes=6)
    opened = shop.checkout_service.open(session_id, email=None, codes=codes)
    assert (opened.attempt, opened.spending is not None) == (2, True)
