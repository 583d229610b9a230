"""Arbitrary worlds: Hypothesis chooses visitors, faults and times, and shrinks failures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from domain.order.order import Order
from domain.order.values import DisputeOutcome
from domain.ports.payments import CheckoutStatus, PaymentEventKind
from tests.simulation.faults import AT, Fault, Plan
from tests.simulation.laws import LawBrokenError
from tests.simulation.participants import FORGER, HABITS, LINK_ACTIONS, visitor
from tests.simulation.scheduler import DAY, HOUR, MINUTE, SECOND
from tests.simulation.staff import STAFF_REQUESTS
from tests.simulation.timeline import timeline
from tests.simulation.world import World

T = TypeVar("T")

STEPS = 30
NUMBERS = st.integers(min_value=0, max_value=50)
ENDS_OF_DISPUTES = [DisputeOutcome.WON, DisputeOutcome.LOST, DisputeOutcome.PREVENTED]
#: Every fault that can be ordered, with its place; old code beside new is decided at the start of a world.
FAULTS = [(kind, fault) for kind, faults in AT.items() for fault in faults if fault is not Fault.OLD_CODE]
PROCESSES = ("api", "counter", "worker a", "worker b")


class AnyWorld(RuleBasedStateMachine):
    """The simulated world, driven by Hypothesis."""

    world: World

    @initialize(
        seed=st.integers(min_value=0, max_value=1 << 16),
        habit=st.sampled_from(sorted(set(HABITS))),
        link_action=st.sampled_from(sorted(set(LINK_ACTIONS))),
        photos=st.integers(min_value=1, max_value=3),
        minutes=st.sampled_from([0, 1, 5, 60]),
    )
    def open_the_shop(self, seed: int, habit: str, link_action: str, photos: int, minutes: int) -> None:
        """Start with a first customer, part of the way through an order.

        Most worlds would stay empty for long otherwise.
        """
        self.world = World(seed, [FORGER], plan=Plan(rates_are_zero=True))
        with self._reported():
            self.world.begin()
            self.world.come(visitor(1, habit=habit, link_action=link_action, photos=photos))
            self.world.pass_time(minutes * MINUTE)

    # Customers and their banks.

    @precondition(lambda self: len(self.world.visitors) < 4)
    @rule(
        habit=st.sampled_from(HABITS),
        link_action=st.sampled_from(LINK_ACTIONS),
        photos=st.integers(min_value=1, max_value=2),
    )
    def another_customer_comes(self, habit: str, link_action: str, photos: int) -> None:
        self.world.come(
            visitor(len(self.world.visitors) + 1, habit=habit, link_action=link_action, photos=photos)
        )

    @precondition(lambda self: self._open_checkouts())
    @rule(number=NUMBERS, amount=st.sampled_from([1, 489]))
    def another_amount_is_paid_than_was_quoted(self, number: int, amount: int) -> None:
        checkout = _any(self._open_checkouts(), number)
        payments = self.world.payments
        payments.pay(checkout)
        payments.take_another_amount(checkout, amount)
        self.world.post_checkout(checkout, PaymentEventKind.PAID)

    @precondition(lambda self: self._orders())
    @rule(number=NUMBERS)
    def a_bank_disputes(self, number: int) -> None:
        self.world.dispute(_any(self._orders(), number).order_id)

    @precondition(lambda self: self.world.disputes)
    @rule(number=NUMBERS, outcome=st.sampled_from(ENDS_OF_DISPUTES))
    def a_bank_decides(self, number: int, outcome: DisputeOutcome) -> None:
        self.world.decide(_any(sorted(self.world.disputes), number), outcome)

    @precondition(lambda self: self._orders())
    @rule(number=NUMBERS, percent=st.sampled_from([1, 50, 100]))
    def staff_refund_in_the_dashboard(self, number: int, percent: int) -> None:
        self.world.refund_by_hand(_any(self._orders(), number).order_id, percent)

    # The staff.

    @precondition(lambda self: self._orders())
    @rule(number=NUMBERS, request=st.sampled_from(sorted(set(STAFF_REQUESTS))))
    def staff_request(self, number: int, request: str) -> None:
        self.world.request(_any(self._orders(), number).order_id, request)

    # Faults.

    @rule(order=st.sampled_from(FAULTS))
    def something_is_about_to_go_wrong(self, order: tuple[str, Fault]) -> None:
        kind, fault = order
        self.world.faults.ordered.setdefault(kind, []).append(fault)

    @rule(name=st.sampled_from(PROCESSES))
    def a_process_dies(self, name: str) -> None:
        processes = [
            self.world.api,
            self.world.counter,
            *(one.process for one in self.world.workers.values()),
        ]
        self.world.crash(next(process for process in processes if process.name == name))

    @rule(duration=st.sampled_from([SECOND, 20 * SECOND, 5 * MINUTE, HOUR, 25 * HOUR, 4 * DAY]))
    def time_passes(self, duration: int) -> None:
        with self._reported():
            self.world.pass_time(duration)

    def teardown(self) -> None:
        """End the faults; every law holds at rest and at the end."""
        if not hasattr(self, "world"):
            return
        try:
            with self._reported():
                self.world.end()
        finally:
            self.world.close()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Report a broken law as a test failure, with its timeline."""
        try:
            yield
        except LawBrokenError as broken:
            raise AssertionError("\n".join([str(broken), *timeline(self.world, broken)])) from broken

    def _orders(self) -> list[Order]:
        return list(self.world.own_unit_of_work.pages.orders.values())

    def _open_checkouts(self) -> list[str]:
        states = self.world.payments.states.items()
        return [checkout for checkout, state in states if state.status is CheckoutStatus.OPEN]


def _any(things: Sequence[T], number: int) -> T:
    return things[number % len(things)]


TestAnyWorld = AnyWorld.TestCase
TestAnyWorld.settings = settings(
    max_examples=settings().max_examples // 4,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
