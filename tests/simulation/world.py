"""One simulated world: the production shop on doubles, with participants and faults."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from domain.order import events as e
from domain.order.limits import Limits
from domain.order.order import Order
from domain.order.reactions import required_reactions
from domain.order.states import TERMINAL
from domain.order.values import DisputeOutcome, OrderId
from domain.ports.email import OutgoingEmail
from domain.ports.payments import CheckoutStatus, PaymentEventKind, PaymentWebhookEvent
from domain.ports.reaction_queue import Claim
from domain.referral_program import ReferralTerms
from domain.use_cases.shop_policy import DeliveryPolicy, PaymentPolicy, RetentionPolicy
from tests.doubles.container import POLICY
from tests.doubles.unit_of_work import InMemoryTransaction
from tests.simulation.environment_patches import faces_are_compared_once, logs_go_to
from tests.simulation.fault_hooks import FaultHooks, SimulatedFaultInjector
from tests.simulation.faults import Fault, Faults, Plan
from tests.simulation.interleaved_unit_of_work import InterleavedUnitOfWork
from tests.simulation.journal import Journal
from tests.simulation.keyed_random import KeyedRandom
from tests.simulation.laws import LawBrokenError, LawChecker, LinkRequests, unsettled_checkouts
from tests.simulation.network import Network
from tests.simulation.participants import FORGER, STAFF, Participant, all_participants
from tests.simulation.process_clock import WorldClock, WorldIds
from tests.simulation.process_loop import facts_of, is_of_a_dead_process, threads_are_greenlets
from tests.simulation.provider_followups import ProviderFollowups
from tests.simulation.providers import SimulatedMailer, SimulatedPayments, SimulatedRestorer, SimulatedStore
from tests.simulation.queue import SimulatedQueue
from tests.simulation.requests import Server, application_server
from tests.simulation.scanners import scan
from tests.simulation.scheduler import DAY, HOUR, MINUTE, SECOND, Crashed, Process, Scheduler
from tests.simulation.staff import Forger, Staff
from tests.simulation.trace import Trace
from tests.simulation.visitors import Visitor, arrival
from tests.simulation.webhook_delivery import SignedEmailWebhooks, SignedPaymentWebhooks, WebhookDelivery
from tests.simulation.workers import Agenda, WorkerProcess

#: The share of shops that enlarge results that are smaller than their originals.
ENLARGING_SHOPS = 0.3
SIMULATED_POLICY = replace(
    POLICY,
    limits=Limits(max_restoration_attempts=3, restoration_poll=timedelta(minutes=4)),
    delivery=DeliveryPolicy(link_lifetime=timedelta(days=10)),
    retention=RetentionPolicy(photos=timedelta(days=20), uploads=timedelta(days=2)),
    payments=PaymentPolicy(unmatched_wait=timedelta(days=3)),
    referral_terms=ReferralTerms(referral_points=250),  # two referrals pay for one photo
)
#: The period in which the visitors arrive.
ARRIVALS = 30 * MINUTE
#: How long the faulty period lasts; each is as likely as it is frequent here.
BUSTLES = (HOUR, 6 * HOUR, 6 * HOUR, 2 * DAY)
#: The part of the worlds whose operator compares the shop with the providers often, and does not wait for late records.
WATCHFUL_OPERATORS = 0.2
#: Within how many days a world has to come to rest after the last fault.
PATIENCE_DAYS = 30
#: Events of which a newer version may be recorded while old code still runs.
NEW_EVENTS = (e.ImagesMoved, e.RestorationCompleted, e.DownloadPrepared, e.EmailSent, e.RefundIssued)


class World(ProviderFollowups, Network):
    """The whole simulation of one seed."""

    unit_of_work: InterleavedUnitOfWork
    queue: SimulatedQueue

    def __init__(
        self,
        seed: int,
        participants: Sequence[Participant] | int = 5,
        *,
        plan: Plan | None = None,
        journal: Journal | None = None,
        server: Server | None = None,
    ) -> None:
        self.seed = seed
        self.server = server or application_server()
        self.participants = (
            all_participants(participants) if isinstance(participants, int) else tuple(participants)
        )
        self.chance = KeyedRandom(seed)
        self.policy = SIMULATED_POLICY
        if self.chance.at("enlarges") < ENLARGING_SHOPS:
            limits = replace(SIMULATED_POLICY.limits, enlarges_results=True)
            self.policy = replace(SIMULATED_POLICY, limits=limits)
        self.compares_every = timedelta(hours=24)
        if self.chance.at("compares often") < WATCHFUL_OPERATORS:
            self.compares_every = timedelta(minutes=30)
            work = replace(self.policy.work, reconcile_grace=timedelta(minutes=5))
            self.policy = replace(self.policy, work=work)
        self.journal = journal
        self.scheduler = Scheduler()
        self.trace = Trace(self.scheduler)
        self.faults = Faults(self.chance, plan or Plan())
        self.trouble = FaultHooks(self.scheduler, self.faults, self.trace, self.crash, self._requested)
        self.outside = Process("outside")
        self.api, self.counter = Process("api"), Process("counter")
        self.workers = {name: WorkerProcess(self, Process(name)) for name in ("worker a", "worker b")}
        self.visitors = [Visitor(self, part) for part in self.participants if part.number]
        self.staff, self.forger = Staff(self), Forger(self)
        self.agenda = Agenda(self)
        self.laws, self.link_requests = LawChecker(self), LinkRequests(self)
        self.disputes: dict[str, PaymentWebhookEvent] = {}
        #: Between two rounds of each scheduled task; an hour in production.
        self.schedule_pause = min(6 * HOUR, self.compares_every // timedelta(microseconds=1))
        self.quiet_from: int | None = None  # nothing fails from here on, and stopped processes have resumed
        self.bustle = self.chance.one_of("bustle", BUSTLES)
        self._build()

    def _build(self) -> None:
        self.clock, self.ids = WorldClock(self.scheduler), WorldIds(self.scheduler, self.chance)
        truth = WorldClock(self.scheduler, is_true=True)
        new_event = self.chance.one_of("new event", NEW_EVENTS)
        self.unit_of_work = self.own_unit_of_work = InterleavedUnitOfWork(
            self.trouble, self.laws.before_commit, self._after_commit, new_event, self.journal
        )
        self.queue = SimulatedQueue(self.trouble)
        self.storage = SimulatedStore(
            clock=truth,
            fault_injector=self._fault_injector("storage"),
            on_delete=self.laws.on_delete,
            trouble=self.trouble,
            world=self,
        )
        self.payments = SimulatedPayments(
            fault_injector=self._fault_injector("payments"), clock=truth, world=self, trouble=self.trouble
        )
        self.restorer = SimulatedRestorer(
            fault_injector=self._fault_injector("restorer"), clock=truth, world=self, trouble=self.trouble
        )
        self.mailer = SimulatedMailer(
            fault_injector=self._fault_injector("mailer"), clock=truth, world=self, trouble=self.trouble
        )
        self.postman = WebhookDelivery(self.scheduler, self.faults, self.trace, self.outside, self.ask)
        self.payment_webhook_parser = self.prediction_webhook_parser = SignedPaymentWebhooks(self.postman)
        self.email_webhook_parser = SignedEmailWebhooks(self.postman)
        self.wire(self.payments)
        for ledger, kind in (
            (self.payment_listing, "payments"),
            (self.prediction_listing, "restorer"),
            (self.email_listing, "mailer"),
        ):
            ledger.fault_injector = self._fault_injector(kind)

    def _fault_injector(self, kind: str) -> SimulatedFaultInjector:
        return SimulatedFaultInjector(
            kind=kind,
            trouble=self.trouble,
            on_call=lambda method, subject: self.laws.on_call(kind, method, subject),
        )

    # The run.

    def live(self) -> None:
        """Run the world to its end; raise LawBrokenError or an unexpected error."""
        self.begin()
        self.pass_time(self.bustle)
        self.end()

    def begin(self) -> None:
        """Start every process, and schedule the participants."""
        with self._awake():
            self._begin()

    def pass_time(self, duration: int) -> None:
        """Advance the clock by so many microseconds, running what is due."""
        with self._awake():
            self.scheduler.run(self.scheduler.now + duration)

    def end(self) -> None:
        """End the faults, then check the laws at rest and after retention."""
        with self._awake():
            self.calm_down()
            self._come_to_rest()
            # In the other worlds, forgotten links stay unopened, and their owners are reminded.
            if self.chance.at("every link is opened") < 0.5:
                self.scheduler.spawn("link holders", self.link_requests.open_every_link, self.outside)
                self.scheduler.run(self.scheduler.now + HOUR)
            self.laws.at_rest()
            self._grow_old()
            self.laws.at_the_end()

    def come(self, part: Participant) -> None:
        """Let one more visitor arrive now."""
        visitor = Visitor(self, part)
        self.visitors.append(visitor)
        self.scheduler.spawn(visitor.name, visitor.live, self.outside)

    def request(self, order_id: OrderId, request: str) -> None:
        """Schedule a staff request at the counter, handled when time advances."""
        name = self.chance.numbered(f"a wish: {request}")
        self._later(name, self._staffed(lambda: self.staff.request(self.order(order_id), request)), 0)

    def close(self) -> None:
        """End all running tasks."""
        with self._awake():
            self.scheduler.close()

    @contextmanager
    def _awake(self) -> Iterator[None]:
        self.server.open(self)
        with threads_are_greenlets(), logs_go_to(self._caught), faces_are_compared_once():
            yield

    def _caught(self, error: str, *, is_expected: bool) -> None:
        """Handle an error that the shop caught and logged.

        Raises LawBrokenError unless the error is expected.
        """
        if is_of_a_dead_process():
            return
        facts_of(self.scheduler.current)["caught"] = error
        if not is_expected:
            raise LawBrokenError(0, f"The shop caught what it did not expect: {error}")

    def _begin(self) -> None:
        for worker in self.workers.values():
            worker.boot()
        for visitor in self.visitors:
            after = arrival(self, visitor.number, ARRIVALS)
            self.scheduler.spawn(visitor.name, visitor.live, self.outside, after=after)
        if STAFF in self.participants:
            self.scheduler.spawn(STAFF.name, self._staffed(self.staff.work), self.outside, after=5 * MINUTE)
        if FORGER in self.participants:
            self.scheduler.spawn(FORGER.name, self.forger.work, self.outside, after=2 * MINUTE)
        old = self.faults.at("process", "deployment")
        if Fault.OLD_CODE in old:
            self.faults.strike(old.name, Fault.OLD_CODE)
            self.trace.note(f"FAULT {Fault.OLD_CODE}", old.name, who="deployment")
            for process in (self.workers["worker a"].process, self.api):
                process.knows_new_events = False

    def _staffed(self, work: Callable[[], None]) -> Callable[[], None]:
        """Wrap staff work at the counter; a crash only delays it."""

        def body() -> None:
            while True:
                try:
                    with self.scheduler.inside(self.counter):
                        return work()
                except Crashed:
                    self.scheduler.sleep(MINUTE)

        return body

    @property
    def is_bustling(self) -> bool:
        """Whether the faulty period is not over."""
        return self.faults.are_on

    @property
    def is_eventful(self) -> bool:
        """Whether providers and banks inject failures of their own."""
        return self.faults.are_on and not self.is_calm

    @property
    def is_calm(self) -> bool:
        """Whether everything at the providers ends well."""
        return self.faults.plan.is_calm

    def calm_down(self) -> None:
        """End the faults, and let all pending decisions be made."""
        self.faults.are_on = False
        self.faults.ordered.clear()
        self.quiet_from = self.scheduler.now + HOUR
        self.schedule_pause = DAY
        for process in (self.api, self.counter, *(worker.process for worker in self.workers.values())):
            process.skew = timedelta(0)
            process.knows_new_events = True
        for checkout, state in list(self.payments.states.items()):
            if state.status is CheckoutStatus.PENDING:
                self.settle(checkout, has_failed=False)
        for intent in list(self.disputes):
            self.decide(intent, DisputeOutcome.WON)
        self.trace.note("the bad days are over", who="world")

    def _come_to_rest(self) -> None:
        for _ in range(PATIENCE_DAYS):
            self.scheduler.run(self.scheduler.now + DAY)
            if self.is_at_rest():
                # Reconciliation finds webhooks that were lost, within two days.
                self.scheduler.run(self.scheduler.now + 2 * DAY)
            if self.is_at_rest():
                return
            self.scheduler.spawn("staff", self._staffed(self.staff.release_all), self.outside)
        self.laws.not_at_rest()

    def _grow_old(self) -> None:
        """Advance past the retention, and a link renewed on its last day."""
        self.schedule_pause = 5 * DAY
        self.faults.requests_are_on = False
        longest = self.policy.retention.photos + self.policy.delivery.link_lifetime
        self.scheduler.run(self.scheduler.now + int(longest.total_seconds()) * SECOND)
        # A customer's late dispute may have held an order once more.
        self.scheduler.spawn("staff", self._staffed(self.staff.release_all), self.outside)
        self.scheduler.run(self.scheduler.now + 6 * DAY)

    def is_at_rest(self) -> bool:
        """Whether there is nothing left to do."""
        is_over = all(map(self.is_over, self.own_unit_of_work.pages.orders.values()))
        is_settled = all(one.is_settled for one in self.own_unit_of_work.pages.unmatched.values())
        # A bank's later decision may hold an order once more.
        is_decided = all(
            dispute.kind is PaymentEventKind.DISPUTE_CLOSED for dispute in self.disputes.values()
        )
        return (
            is_over
            and is_settled
            and is_decided
            and not self.postman.undelivered
            and not unsettled_checkouts(self)
        )

    def is_over(self, order: Order) -> bool:
        """Whether nothing is left to do for an order."""
        return order.state in TERMINAL and not order.is_held and not required_reactions(order)

    def order(self, order_id: OrderId) -> Order:
        """The present state of an order."""
        return self.own_unit_of_work.pages.orders.get(order_id, Order(order_id=order_id))

    def mail_arrives(self, message_id: str, mail: OutgoingEmail) -> None:
        """Check a mail against its law, and start its mailbox's scanner.

        The scanner may do so even if the mail bounces.
        """
        if mail.order_id is None:
            raise AssertionError("This shop writes to its customers only.")
        self.laws.on_mail(mail.order_id, self.email_renderer.facts[mail.content.html])
        if self.is_eventful:
            name = f"scanner of {message_id}"
            self.scheduler.spawn(name, lambda: scan(self, message_id, mail), self.outside, after=SECOND)

    # Processes.

    def crash(self, process: Process) -> None:
        """Kill a process; it restarts after a while."""
        self.trace.note(f"{process.name} dies", who="world")
        self.scheduler.kill(process)
        worker = self.workers.get(process.name)
        after = int(self.chance.between(f"restart {process.name} {process.life}", 0.5, 30) * SECOND)
        process.up_at = self.scheduler.now + after
        if worker is not None:
            self.scheduler.spawn(
                f"start {process.name} {process.life}", worker.boot, self.outside, after=after
            )

    def _requested(self, claim: Claim, place: str) -> None:
        self.staff.request_during_a_call(claim, place)

    def _after_commit(self, transaction: InMemoryTransaction) -> None:
        for work in transaction.pages.written("work").values():
            self.agenda.note(work)
        self.laws.after_commit(transaction)
