"""Any shop in any world: whatever the money, the providers and the workers do, the books agree in the end."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.model import events as e
from domain.model.lifecycle import TERMINAL
from domain.model.limits import Limits
from domain.model.values import DisputeOutcome, FailureReason, Money
from domain.ports.mail import MailFate
from domain.ports.payments import CheckoutStanding
from domain.ports.restorer import PredictionStatus
from domain.services.refusing import NotPossibleError
from tests.domain.laws import check_laws, check_mails
from tests.domain.services.any_shop import BY, CALLS, AnyShop, part_of
from tests.doubles.shop import POLICY, MemoryShop

T = TypeVar("T")

STEPS = 40
NUMBERS = st.integers(min_value=0, max_value=50)
PERCENT = st.sampled_from([1, 50, 100])


class AnyWorld(RuleBasedStateMachine):
    """A shop, its customers and its providers."""

    world = AnyShop(MemoryShop())

    @initialize(
        has_second_model=st.booleans(),
        photos=st.integers(min_value=1, max_value=3),
        whiles=st.integers(min_value=0, max_value=3),
    )
    def open_the_shop(self, has_second_model: bool, photos: int, whiles: int) -> None:  # noqa: FBT001 -- drawn
        """With a first customer, somewhere on their way; most shops would stay without one for long otherwise."""
        limits = Limits(max_restoration_attempts=2, has_second_model=has_second_model)
        self.world = AnyShop(MemoryShop(replace(POLICY, limits=limits)))
        self.world.begin(photos)
        if whiles:
            self.world.pay(self.world.checkouts[0], later=False, amount=None)
        for _ in range(whiles):
            self.world.live_a_while()

    # Customers.

    @precondition(lambda self: len(self.world.sessions) < 3)
    @rule(photos=st.integers(min_value=1, max_value=2))
    def another_customer_comes(self, photos: int) -> None:
        self.world.begin(photos)

    @rule(number=NUMBERS)
    def a_customer_comes_back_to_pay(self, number: int) -> None:
        self.world.open_checkout(_any(self.world.sessions, number))

    @precondition(lambda self: self.world.standing(CheckoutStanding.OPEN))
    @rule(number=NUMBERS, later=st.booleans(), amount=st.sampled_from([None, None, None, 1, 489]))
    def a_customer_pays(self, number: int, later: bool, amount: int | None) -> None:  # noqa: FBT001 -- drawn
        self.world.pay(_any(self.world.standing(CheckoutStanding.OPEN), number), later=later, amount=amount)

    @precondition(lambda self: self.world.standing(CheckoutStanding.PENDING))
    @rule(number=NUMBERS, has_failed=st.booleans())
    def delayed_money_is_settled(self, number: int, has_failed: bool) -> None:  # noqa: FBT001 -- drawn
        self.world.settle(_any(self.world.standing(CheckoutStanding.PENDING), number), has_failed=has_failed)

    @precondition(lambda self: self.world.standing(CheckoutStanding.OPEN))
    @rule(number=NUMBERS)
    def a_page_expires(self, number: int) -> None:
        self.world.expire(_any(self.world.standing(CheckoutStanding.OPEN), number))

    # Banks, and the provider's dashboard.

    @precondition(lambda self: self.world.payments())
    @rule(number=NUMBERS, percent=PERCENT)
    def somebody_refunds_in_the_dashboard(self, number: int, percent: int) -> None:
        payment = _any(self.world.payments(), number)
        self.world.refund_by_hand(payment, part_of(payment.paid, percent))

    @precondition(lambda self: any(payment.refunds for payment in self.world.payments()))
    @rule(number=NUMBERS)
    def a_refund_fails_that_looked_done(self, number: int) -> None:
        made = [refund for payment in self.world.payments() for _, refund in payment.refunds]
        self.world.shop.payments.fail_refund(_any(made, number).provider_refund_id)

    @precondition(lambda self: self.world.payments())
    @rule(number=NUMBERS)
    def a_bank_disputes(self, number: int) -> None:
        self.world.dispute(_any(self.world.payments(), number))

    @precondition(lambda self: self.world.disputes)
    @rule(number=NUMBERS, outcome=st.sampled_from(DisputeOutcome))
    def a_bank_decides(self, number: int, outcome: DisputeOutcome) -> None:
        disputed = [one for one in self.world.payments() if one.payment_intent_id in self.world.disputes]
        self.world.decide(_any(disputed, number), outcome)

    # What is heard, late or twice or never until the end.

    @precondition(lambda self: self.world.posted)
    @rule(number=NUMBERS)
    def a_notice_is_heard(self, number: int) -> None:
        self.world.hear(number)

    @precondition(lambda self: self.world.heard)
    @rule(number=NUMBERS)
    def a_notice_is_heard_again(self, number: int) -> None:
        self.world.hear(number, again=True)

    @precondition(lambda self: self.world.shop.mailer.mailbox)
    @rule(number=NUMBERS, fate=st.sampled_from([MailFate.ACCEPTED, MailFate.UNDELIVERABLE]))
    def a_mail_has_a_fate(self, number: int, fate: MailFate) -> None:
        self.world.post_mail(_any(list(self.world.shop.mailer.mailbox), number), fate)

    # The shop at work.

    @rule(pieces=st.integers(min_value=1, max_value=12))
    def workers_work(self, pieces: int) -> None:
        self.world.work(pieces)

    @rule()
    def all_goes_well_for_a_while(self) -> None:
        self.world.live_a_while()

    @rule(before_the_call=st.booleans())
    def a_worker_dies(self, before_the_call: bool) -> None:  # noqa: FBT001 -- drawn
        self.world.crash(before_the_call=before_the_call)

    @rule()
    def the_queue_is_lost(self) -> None:
        self.world.shop.queue.waiting.clear()

    @precondition(lambda self: self._running())
    @rule(number=NUMBERS, ends_well=st.booleans(), reason=st.sampled_from(FailureReason), posts=st.booleans())
    def a_prediction_ends(self, number: int, ends_well: bool, reason: FailureReason, posts: bool) -> None:  # noqa: FBT001 -- drawn
        restorer, prediction = self.world.shop.restorer, _any(self._running(), number)
        if ends_well:
            restorer.succeed(prediction, b"restored " + restorer.works[prediction].picture)
        else:
            restorer.fail(prediction, reason)
        if posts:
            self.world.shop.post_prediction(prediction)

    @rule(where=st.sampled_from([(at, call) for at, calls in CALLS.items() for call in calls]), kind=NUMBERS)
    def the_weather_turns(self, where: tuple[str, str], kind: int) -> None:
        at, call = where
        if kind % 3 == 0 and at != "storage":
            getattr(self.world.shop, at).weather.lose_reply(call)
        else:
            self.world.trouble(at, call, refuses=kind % 3 == 1 and call in {"issue_refund", "start", "send"})

    @rule(
        duration=st.sampled_from([{"minutes": 1}, {"minutes": 31}, {"hours": 25}, {"days": 8}, {"days": 100}])
    )
    def time_passes(self, duration: dict[str, float]) -> None:
        self.world.pass_time(**duration)

    # People.

    @precondition(lambda self: self.world.orders())
    @rule(number=NUMBERS, wish=st.sampled_from(["hold", "release", "resend", "revoke_links"]))
    def a_person_wishes(self, number: int, wish: str) -> None:
        with suppress(NotPossibleError):
            getattr(self.world.shop.desk, wish)(_any(self.world.orders(), number).order_id, BY)

    @precondition(lambda self: self.world.orders())
    @rule(number=NUMBERS, percent=PERCENT, photo=st.sampled_from([None, 1, 2]))
    def a_person_pays_back(self, number: int, percent: int, photo: int | None) -> None:
        order = _any(self.world.orders(), number)
        amount = Money(amount=part_of(order.payment.paid, percent), currency="EUR") if order.payment else None
        with suppress(NotPossibleError):
            self.world.shop.desk.refund(
                order.order_id, BY, amount=None if photo else amount, photos=[photo] if photo else []
            )

    @precondition(lambda self: self.world.orders())
    @rule(number=NUMBERS, photo=st.integers(min_value=1, max_value=2), revokes_others=st.booleans())
    def a_person_gives_more(self, number: int, photo: int, revokes_others: bool) -> None:  # noqa: FBT001 -- drawn
        order = _any(self.world.orders(), number)
        with suppress(NotPossibleError):
            self.world.shop.desk.redo(order.order_id, BY, photos=[photo])
        with suppress(NotPossibleError):
            self.world.shop.desk.renew_link(order.order_id, BY, revokes_others=revokes_others)

    # What holds at any time.

    @invariant()
    def every_order_keeps_the_laws(self) -> None:
        self.world.post()
        for order in self.world.orders():
            check_laws(order)
            check_mails(order, self.world.history(order.order_id))

    @invariant()
    def no_payment_belongs_to_two(self) -> None:
        """Law 3, as far as its notice was heard."""
        for payment in self.world.payments():
            assert self.world.owners(payment) <= 1

    @invariant()
    def the_provider_never_pays_back_more_than_it_took(self) -> None:
        """Law 4 at the provider: only a bank can take what has gone back already."""
        for payment in self.world.shop.payments.payments.values():
            assert payment.left >= 0

    def teardown(self) -> None:
        """Once everything goes well, every order is over, every payment has its place, and the books agree."""
        self.world.let_everything_go_well()
        assert self.world.is_at_rest(), [
            (one.state, one.hold) for one in self.world.orders() if one.state not in TERMINAL
        ]
        self.every_order_keeps_the_laws()
        self._the_books_agree()
        self._no_mail_went_out_twice_unnoticed()

    def _the_books_agree(self) -> None:
        orders = {one.payment.payment_intent_id: one for one in self.world.orders() if one.payment}
        for payment in self.world.payments():
            assert self.world.owners(payment) == 1
            back = payment.paid.amount - payment.left
            if payment.payment_intent_id in orders:
                assert orders[payment.payment_intent_id].ledger.issued == back
            else:
                assert self.world.left_of(payment) <= 0, "money without an order is kept"

    def _no_mail_went_out_twice_unnoticed(self) -> None:
        """Law 9: accepted once, or ambiguous on record."""
        accepted = Counter(mail.email_id for mail in self.world.shop.mailer.mailbox.values())
        for order in self.world.orders():
            history = list(self.world.history(order.order_id))
            for email_id in order.emails:
                doubts = sum(
                    isinstance(one, e.EmailUnconfirmed) and one.email_id == email_id for one in history
                )
                reopened = sum(isinstance(one, e.EmailFailed) and one.email_id == email_id for one in history)
                assert accepted[email_id] <= 1 + doubts + reopened

    def _running(self) -> list[str]:
        works = self.world.shop.restorer.works.items()
        return [name for name, work in works if work.told.status is PredictionStatus.RUNNING]


def _any(things: Sequence[T], number: int) -> T:
    return things[number % len(things)]


TestAnyWorld = AnyWorld.TestCase
TestAnyWorld.settings = settings(
    max_examples=40,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
