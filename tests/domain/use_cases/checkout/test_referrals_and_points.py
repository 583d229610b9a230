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


class Club(InMemoryShop):
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
        self.payment_webhook.handle(webhook_event, sha256_of(b"notice"))


@pytest.fixture
def club() -> Club:
    """Ada, and Grace who used Ada's code: both have 100 points."""
    club = Club()
    club.buy(ADA)
    club.buy(GRACE, referral=club.customer(ADA).referral_code)
    return club


def spent(club: Club, order_id: OrderId) -> list[e.Event]:
    return [event for event in club.events(order_id) if isinstance(event, e.PointsEvent)]


def test_a_friends_first_order_brings_points_to_both_in_the_step_that_begins_it(club: Club) -> None:
    assert (club.balance(ADA), club.balance(GRACE)) == (100, 100)
    session_id = club.open(referral=club.customer(GRACE).referral_code.lower())
    order_id = club.pay(session_id, email=FRAN)
    fran, grace = club.customer(FRAN).customer_id, club.customer(GRACE).customer_id
    payment, *points = club.events(order_id)
    assert isinstance(payment, e.PaymentReceived)
    assert points == [
        e.PointsCredited(customer_id=fran, points=100, reason=PointsReason.WELCOME),
        e.PointsCredited(customer_id=grace, points=100, reason=PointsReason.REFERRAL),
    ]


def test_only_a_first_order_earns_and_only_once(club: Club) -> None:
    club.buy(GRACE, referral=club.customer(ADA).referral_code)
    club.buy(ADA, referral=club.customer(GRACE).referral_code)
    assert (club.balance(ADA), club.balance(GRACE)) == (100, 100)


@pytest.mark.parametrize("address", [ADA, "ADA@customer.example", "ada+again@customer.example"])
def test_no_one_refers_themself(address: str) -> None:
    club = Club()
    club.buy(ADA)
    code = club.customer(ADA).referral_code
    session_id = club.upload(b"wedding")
    with pytest.raises(OwnReferralCodeError):
        club.checkout_service.open(session_id, email=address, codes=Codes(referral=code))
    assert club.upload_service.find(session_id).status is UploadStatus.OPEN, "nothing is lost"
    club.buy(address, referral=code)
    assert club.balance(ADA) == 0


def test_nothing_is_earned_where_nothing_was_paid(club: Club) -> None:
    session_id = club.open(referral=club.customer(ADA).referral_code)
    nothing, all_of_it = Money(amount=0, currency="EUR"), Money(amount=490, currency="EUR")
    order_id = club.pay(session_id, email=FRAN, paid=nothing, discount=all_of_it, payment_intent_id=None)
    assert not spent(club, order_id)
    club.buy(FRAN, referral=club.customer(ADA).referral_code)
    assert club.balance(FRAN) == 0, "and the first order is over"


def test_an_order_on_hold_earns_and_loses_it_with_its_money(club: Club) -> None:
    session_id = club.open(referral=club.customer(ADA).referral_code)
    order_id = club.pay(session_id, email=FRAN, paid=Money(amount=390, currency="EUR"))
    assert club.order(order_id).hold is HoldReason.AMOUNT_MISMATCH
    assert (club.balance(ADA), club.balance(FRAN)) == (200, 100)


def forget(club: Club, email: str) -> CustomerId:
    customer_id = club.customer(email).customer_id
    with club.unit_of_work.transaction() as transaction:
        transaction.personal_data.forget(
            Erasure(
                erasure_id=club.ids.new(),
                customer_id=customer_id,
                actor="person:ada",
                reason="asked by mail",
                erased_at=club.clock.now(),
            )
        )
    return customer_id


def test_erased_customers_refer_no_one_and_return_as_new_customers(club: Club) -> None:
    code, points_code = club.customer(GRACE).referral_code, club.points_code(GRACE)
    session_id = club.open(referral=code)
    grace = forget(club, GRACE)
    order_id = club.pay(session_id, email=FRAN)
    assert not spent(club, order_id), "the code was good, and is no more"
    with pytest.raises(UnknownReferralCodeError):
        club.open(referral=code)
    with pytest.raises(UnknownPointsCodeError):
        club.open(points=points_code)
    club.buy(GRACE, referral=club.customer(ADA).referral_code)
    assert club.customer(GRACE).customer_id != grace
    assert club.balance(GRACE) == 100


@pytest.mark.parametrize("code", ["", "NOBODYS0", "x" * 64, "\x00", "ÄÖÜ", "'; --"])
def test_codes_that_are_nobodys_are_refused_and_nothing_is_lost(club: Club, code: str) -> None:
    session_id = club.upload(b"wedding")
    with pytest.raises(UnknownReferralCodeError):
        club.checkout_service.open(session_id, email=None, codes=Codes(referral=code))
    with pytest.raises(UnknownPointsCodeError):
        club.checkout_service.open(session_id, email=None, codes=Codes(points=code))
    assert club.upload_service.find(session_id).status is UploadStatus.OPEN
    assert club.order(club.pay(session_id)).hold is None


def test_a_referral_code_and_an_address_open_nobodys_points(club: Club) -> None:
    with pytest.raises(UnknownPointsCodeError):
        club.open(points=club.customer(ADA).referral_code)
    with pytest.raises(UnknownPointsCodeError):
        club.open(points=club.customer(ADA).referral_code + club.points_code(GRACE)[8:])
    session_id = club.upload(b"wedding")
    club.checkout_service.open(session_id, email=ADA)
    assert club.checkout_of(session_id).spending is None


def test_points_come_off_the_price_and_are_gone_with_the_payment(club: Club) -> None:
    session_id = club.open(points=club.points_code(ADA).lower())
    (request,) = [one for one in club.payments.checkouts.values() if one.upload_session_id == session_id]
    assert request.spending is not None
    assert (request.spending.points, request.spending.discount) == (100, Money(amount=100, currency="EUR"))
    assert club.balance(ADA) == 100, "nothing is paid yet"
    order_id = club.pay(session_id, email=ADA)
    payment = club.order(order_id).payment
    assert payment is not None
    assert (payment.quoted.amount, payment.discount.amount, payment.paid.amount) == (490, 100, 390)
    assert club.balance(ADA) == 0
    assert club.order(order_id).hold is None
    with pytest.raises(NoPointsError):
        club.open(points=club.points_code(ADA))


def test_an_order_that_points_pay_for_whole_is_an_order() -> None:
    club = Club(replace(POLICY, referral_terms=ReferralTerms(referral_points=500)))
    club.buy(ADA)
    club.buy(GRACE, referral=club.customer(ADA).referral_code)
    order_id = club.buy(ADA, points=club.points_code(ADA))
    payment = club.order(order_id).payment
    assert payment is not None
    assert (payment.paid.amount, payment.payment_intent_id) == (0, None)
    assert club.balance(ADA) == 10
    assert club.live(order_id, hours=0.2).images
    assert club.order(order_id).restored_images


def test_points_are_spent_once_however_many_checkouts_are_open(club: Club) -> None:
    first = club.open(points=club.points_code(ADA))
    with pytest.raises(NoPointsError):
        club.open(points=club.points_code(ADA))
    club.checkout_service.open(first, email=None, codes=Codes(points=club.points_code(ADA)))
    assert len([one for one in club.payments.checkouts.values() if one.spending]) == 1, "it is the same page"


def test_points_are_free_again_when_their_checkout_is_given_up(club: Club) -> None:
    given_up = club.open(points=club.points_code(ADA))
    page = club.checkout_of(given_up).checkout_session_id
    assert page is not None
    club.payments.expire(page)
    club.payment_webhook.handle(club.told(page, PaymentEventKind.ABANDONED), sha256_of(b"notice"))
    forgotten = club.open(points=club.points_code(ADA))
    club.clock.advance(minutes=69)
    with pytest.raises(NoPointsError):
        club.open(points=club.points_code(ADA))
    club.clock.advance(minutes=2)
    assert club.checkout_of(club.open(points=club.points_code(ADA))).spending
    assert club.checkout_of(forgotten).spending


def test_points_stay_reserved_while_delayed_money_is_on_its_way(club: Club) -> None:
    session_id = club.open(points=club.points_code(ADA))
    page = club.checkout_of(session_id).checkout_session_id
    assert page is not None
    club.payments.pay_later(page, ADA)
    club.payment_webhook.handle(club.told(page, PaymentEventKind.PENDING), sha256_of(b"notice"))
    club.clock.advance(days=3)
    with pytest.raises(NoPointsError):
        club.open(points=club.points_code(ADA))
    club.payments.settle(page, has_failed=False)
    club.payment_webhook.handle(club.told(page, PaymentEventKind.PAID), sha256_of(b"notice"))
    assert club.balance(ADA) == 0


def test_codes_may_still_be_given_when_a_checkout_without_points_is_open(club: Club) -> None:
    session_id = club.open()
    plain = club.checkout_of(session_id)
    with_points = club.checkout_service.open(
        session_id, email=None, codes=Codes(points=club.points_code(ADA))
    )
    assert with_points.url != plain.url
    assert with_points.attempt == plain.attempt + 1
    assert club.checkout_service.open(session_id, email=None) == with_points, "who gives none leaves it so"
    with pytest.raises(CheckoutFixedError):
        club.checkout_service.open(session_id, email=None, codes=Codes(points=club.points_code(GRACE)))
    referral = Codes(referral=club.customer(GRACE).referral_code)
    with pytest.raises(CheckoutFixedError):
        club.checkout_service.open(session_id, email=None, codes=referral)


def test_a_page_that_another_one_replaces_is_expired_at_the_provider(club: Club) -> None:
    session_id = club.open()
    plain = club.checkout_of(session_id).checkout_session_id
    club.checkout_service.open(session_id, email=None, codes=Codes(points=club.points_code(ADA)))
    replacing = club.checkout_of(session_id).checkout_session_id
    assert plain is not None
    assert replacing is not None
    assert club.payments.states[plain].status is CheckoutStatus.EXPIRED
    assert club.payments.states[replacing].status is CheckoutStatus.OPEN


def test_a_page_that_was_paid_before_it_could_be_replaced_counts_as_paid(club: Club) -> None:
    session_id = club.open()
    page = club.checkout_of(session_id).checkout_session_id
    assert page is not None
    club.payments.pay(page, ADA)
    with pytest.raises(UploadSessionClosedError):
        club.checkout_service.open(session_id, email=None, codes=Codes(points=club.points_code(ADA)))
    club.payment_webhook.handle(club.told(page, PaymentEventKind.PAID), sha256_of(b"notice"))
    assert club.order(club.upload_service.find(session_id).order_id).paid_amount == 490
    assert club.balance(ADA) == 100


def test_a_page_that_was_replaced_while_it_was_being_opened_is_expired(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = club.upload(b"wedding")
    points = Codes(points=club.points_code(ADA))
    open_checkout = club.payments.open_checkout

    def open_and_be_overtaken(request: NewCheckout) -> OpenedCheckout:
        monkeypatch.undo()
        opened = open_checkout(request)
        club.checkout_service.open(session_id, email=None, codes=points)
        return opened

    monkeypatch.setattr(club.payments, "open_checkout", open_and_be_overtaken)
    overtaken = club.checkout_service.open(session_id, email=None).checkout_session_id
    current = club.checkout_of(session_id)
    assert current.spending is not None
    assert overtaken is not None
    assert current.checkout_session_id is not None
    assert club.payments.states[overtaken].status is CheckoutStatus.EXPIRED
    assert club.payments.states[current.checkout_session_id].status is CheckoutStatus.OPEN


def test_the_older_page_at_the_full_price_still_makes_the_order_and_spends_nothing(club: Club) -> None:
    session_id = club.open()
    page = club.checkout_of(session_id).checkout_session_id
    assert page is not None
    club.checkout_service.open(session_id, email=None, codes=Codes(points=club.points_code(ADA)))
    club.payments.pay(page, ADA)
    club.payment_webhook.handle(club.told(page, PaymentEventKind.PAID), sha256_of(b"notice"))
    order_id = club.upload_service.find(session_id).order_id
    assert club.order(order_id).hold is None
    assert club.order(order_id).paid_amount == 490
    assert club.balance(ADA) == 100
    assert club.checkout_of(club.open(points=club.points_code(ADA))).spending, "nothing is reserved any more"


@pytest.mark.parametrize("amount", [0, 50, 200])
def test_another_discount_than_was_reserved_holds_the_order_and_spends_nothing(
    club: Club, amount: int
) -> None:
    session_id = club.open(points=club.points_code(ADA))
    discount, paid = Money(amount=amount, currency="EUR"), Money(amount=490 - amount, currency="EUR")
    order_id = club.pay(session_id, email=ADA, discount=discount, paid=paid)
    assert club.order(order_id).hold is HoldReason.AMOUNT_MISMATCH
    assert club.balance(ADA) == 100


def test_points_on_which_two_payments_count_are_spent_once_and_the_later_order_waits_for_a_person(
    club: Club,
) -> None:
    code = club.points_code(ADA)
    slow = club.open(points=code)
    club.clock.advance(minutes=71)
    quick = club.open(points=code)
    for session_id in (quick, slow):  # the slow webhook arrives when its points were released, and spent
        page = club.checkout_of(session_id).checkout_session_id
        assert page is not None
        club.payments.pay(page, ADA)
        club.payment_webhook.handle(club.told(page, PaymentEventKind.PAID), sha256_of(b"notice"))
    first, second = (club.order(club.upload_service.find(one).order_id) for one in (quick, slow))
    assert (first.hold, second.hold) == (None, HoldReason.AMOUNT_MISMATCH)
    assert club.balance(ADA) == 0
    assert not spent(club, second.order_id)


def test_a_checkout_that_could_not_be_opened_is_tried_again_with_the_same_points(club: Club) -> None:
    session_id = club.upload(b"wedding")
    codes = Codes(points=club.points_code(ADA))
    club.payments.fault_injector.fail("open_checkout", UnavailableError("The double", "out for lunch"))
    with pytest.raises(UnavailableError):
        club.checkout_service.open(session_id, email=None, codes=codes)
    opened = club.checkout_service.open(session_id, email=None, codes=codes)
    assert (opened.attempt, opened.spending is not None) == (1, True)


def test_a_refund_takes_back_what_was_earned_and_gives_back_what_was_spent(club: Club) -> None:
    friends = club.buy(FRAN, referral=club.customer(ADA).referral_code)
    own = club.buy(ADA, points=club.points_code(ADA))
    assert (club.balance(ADA), club.balance(FRAN)) == (0, 100)
    club.refund(friends, 245)
    assert (club.balance(ADA), club.balance(FRAN)) == (-50, 50), "what is spent already is owed"
    with pytest.raises(NoPointsError):
        club.open(points=club.points_code(ADA))
    club.refund(own, 290)
    assert club.balance(ADA) == 200 - 50
    club.refund(friends, 245)
    assert (club.balance(ADA), club.balance(FRAN)) == (100, 0)


def test_a_customer_who_spends_points_is_no_newcomer(club: Club) -> None:
    with pytest.raises(TwoCodesError):
        club.open(points=club.points_code(ADA), referral=club.customer(GRACE).referral_code)


def test_a_shop_without_a_programme_takes_no_recommendations_and_honours_points() -> None:
    club = Club()
    club.buy(ADA)
    club.buy(GRACE, referral=club.customer(ADA).referral_code)
    off = Club(
        replace(POLICY, referral_terms=ReferralTerms(referral_points=0)), unit_of_work=club.unit_of_work
    )
    off.ids.given, off.storage, off.payments = club.ids.given, club.storage, club.payments
    with pytest.raises(NoReferralsError):
        off.open(referral=off.customer(ADA).referral_code)
    assert off.checkout_of(off.open(points=off.points_code(ADA))).spending
    ada = off.customer(ADA)
    with off.unit_of_work.transaction() as transaction:
        told = off.referral_program.rewards_for(transaction, ada, "EUR")
    assert told is not None
    assert (told.referral_code, told.points) == (None, 100)


def test_only_result_mails_mention_points(club: Club) -> None:
    order_id = club.buy(FRAN, referral=club.customer(ADA).referral_code)
    club.live(order_id, hours=0.2)
    letters = {
        mail.content.subject: mail.content.html
        for mail in club.mailer.mailbox.values()
        if mail.order_id == order_id
    }
    proof = club.token_signer.points_token(club.customer(FRAN).customer_id)
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
