"""One simulated world: the production shop on doubles, its customers, its people, its providers and its bad days."""

import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any
from unittest import mock
from uuid import UUID

import structlog

from adapters.postgres.codec import UnknownEventError
from domain.model import events as e
from domain.model.lifecycle import TERMINAL
from domain.model.likeness import likeness
from domain.model.limits import Limits
from domain.model.order import Order
from domain.model.reactions import Pace, needed
from domain.model.values import DisputeOutcome, FailureReason, OrderId
from domain.ports.books import BooksError
from domain.ports.errors import OutsideError
from domain.ports.mail import Mail, MailFate, MailNotice
from domain.ports.payments import CheckoutStanding, NoticeKind, PaymentNotice, ProviderRefund
from domain.ports.restorer import PredictionStatus, RestorationNotice
from domain.services import judging
from tests.doubles.books import InMemoryTransaction
from tests.doubles.shop import POLICY, WiredShop
from tests.simulation.books import InterleavedBooks
from tests.simulation.cast import FORGER, STAFF, Part, whole_cast
from tests.simulation.chance import Chance
from tests.simulation.faults import Fault, Faults, Plan
from tests.simulation.journal import Journal
from tests.simulation.laws import Continuous, LawBrokenError
from tests.simulation.post import Postman, SealedMailNotices, SealedNotices
from tests.simulation.providers import SimulatedMailer, SimulatedPayments, SimulatedRestorer, SimulatedStore
from tests.simulation.queue import SimulatedQueue
from tests.simulation.requests import Answer, doorway, threads_are_greenlets
from tests.simulation.scheduler import DAY, HOUR, MINUTE, SECOND, Crashed, Process, Scheduler
from tests.simulation.staff import Forger, Staff
from tests.simulation.trace import Trace
from tests.simulation.trouble import FaultyWeather, Trouble
from tests.simulation.visitors import Visitor, arrival
from tests.simulation.workers import Agenda, WorkerProcess

SIMULATED_POLICY = replace(
    POLICY,
    limits=Limits(max_restoration_attempts=3),
    pace=Pace(restoration_poll=timedelta(minutes=4)),
    download_lifetime=timedelta(days=10),
    photo_retention=timedelta(days=20),
    cleanup_retention=timedelta(days=2),
    unmatched_payment_wait=timedelta(days=3),
)
#: In what time the visitors come.
ARRIVALS = 30 * MINUTE
#: How long the bad days last, each as often as it stands here.
BUSTLES = (HOUR, 6 * HOUR, 6 * HOUR, 2 * DAY)
#: In how many days a world has to come to rest once nothing fails any more.
PATIENCE_DAYS = 30
#: Events of which a newer version may be on its way while old code still runs.
NEW_EVENTS = (e.ImagesMoved, e.RestorationCompleted, e.DownloadPrepared, e.EmailSent, e.RefundIssued)


@dataclass
class WorldClock:
    """The time, as the process reads it off its clock that asks."""

    scheduler: Scheduler
    is_true: bool = False

    def now(self) -> Any:
        return self.scheduler.moment(None if self.is_true else self.scheduler.current.process)


@dataclass
class WorldIds:
    """Ids named by who asks for them."""

    scheduler: Scheduler
    chance: Chance

    def new(self) -> UUID:
        task = self.scheduler.current
        return self.chance.uuid(self.chance.numbered(f"id {task.name} {task.facts.get('about', '')}"))


class World(WiredShop):
    """Everything there is, for one seed."""

    books: InterleavedBooks
    queue: SimulatedQueue

    def __init__(
        self,
        seed: int,
        cast: Sequence[Part] | int = 20,
        *,
        plan: Plan | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.seed = seed
        self.cast = whole_cast(cast) if isinstance(cast, int) else tuple(cast)
        self.policy = SIMULATED_POLICY
        self.journal = journal
        self.scheduler = Scheduler()
        self.chance = Chance(seed)
        self.trace = Trace(self.scheduler)
        self.faults = Faults(self.chance, plan or Plan())
        self.trouble = Trouble(self.scheduler, self.faults, self.trace, self.crash)
        self.outside = Process("outside")
        self.api, self.counter = Process("api"), Process("counter")
        self.workers = {name: WorkerProcess(self, Process(name)) for name in ("worker a", "worker b")}
        self.visitors = [Visitor(self, part) for part in self.cast if part.number]
        self.staff, self.forger = Staff(self), Forger(self)
        self.agenda = Agenda(self)
        self.laws = Continuous(self)
        self.disputes: dict[str, PaymentNotice] = {}
        #: Between two rounds of each chore that time alone makes due; an hour in production.
        self.chore_pause = 6 * HOUR
        self.unexpected = ""
        self.bustle = self.chance.one_of("bustle", BUSTLES)
        self._build()

    def _build(self) -> None:
        self.clock, self.ids = WorldClock(self.scheduler), WorldIds(self.scheduler, self.chance)
        truth = WorldClock(self.scheduler, is_true=True)
        new_event = self.chance.one_of("new event", NEW_EVENTS)
        self.books = self.own_books = InterleavedBooks(
            self.trouble, self.laws.before_commit, self._after_commit, new_event, self.journal
        )
        self.queue = SimulatedQueue(self.trouble)
        self.storage = SimulatedStore(
            clock=truth, weather=self._weather("storage"), on_delete=self.laws.on_delete
        )
        self.payments = SimulatedPayments(
            weather=self._weather("payments"), clock=truth, world=self, trouble=self.trouble
        )
        self.restorer = SimulatedRestorer(
            weather=self._weather("restorer"), clock=truth, world=self, trouble=self.trouble
        )
        self.mailer = SimulatedMailer(
            weather=self._weather("mailer"), clock=truth, world=self, trouble=self.trouble
        )
        self.wire(self.payments)
        for ledger, kind in ((self.payment_ledger, "payments"), (self.restoration_ledger, "restorer")):
            ledger.weather = self._weather(kind)
        self.postman = Postman(self.scheduler, self.faults, self.trace, self.outside, self.ask)
        self.payment_notices = self.restoration_notices = SealedNotices(self.postman)
        self.mail_notices = SealedMailNotices(self.postman)

    def _weather(self, kind: str) -> FaultyWeather:
        return FaultyWeather(
            kind=kind,
            trouble=self.trouble,
            on_call=lambda method, subject: self.laws.on_call(kind, method, subject),
        )

    # Its life.

    def live(self) -> None:
        """Let everything happen, then let it come to rest; raises LawBrokenError, or what nobody expects."""
        self.begin()
        self.pass_time(self.bustle)
        self.end()

    def begin(self) -> None:
        """Start every process, and have everybody come in their time."""
        with self._awake():
            self._begin()

    def pass_time(self, duration: int) -> None:
        """Let so many microseconds pass, with all that happens in them."""
        with self._awake():
            self.scheduler.run(self.scheduler.now + duration)

    def end(self) -> None:
        """Let nothing fail any more, and hold the world to its laws when it has come to rest, and when it is old."""
        with self._awake():
            self.calm_down()
            self._come_to_rest()
            self.laws.at_rest()
            self._grow_old()
            self.laws.at_the_end()

    def come(self, part: Part) -> None:
        """Have one more visitor come now."""
        visitor = Visitor(self, part)
        self.visitors.append(visitor)
        self.scheduler.spawn(visitor.name, visitor.live, self.outside)

    def wish(self, order_id: OrderId, wish: str) -> None:
        """Have a person at the counter wish something, as soon as time passes."""
        name = self.chance.numbered(f"a wish: {wish}")
        self._later(name, self._staffed(lambda: self.staff.wish(self.order(order_id), wish)), 0)

    def close(self) -> None:
        """End all that still goes on."""
        with self._awake():
            self.scheduler.close()

    @contextmanager
    def _awake(self) -> Iterator[None]:
        doorway().open(self, lambda: self.scheduler.now / SECOND)
        with (
            threads_are_greenlets(),
            _logs_go_to(self),
            mock.patch.object(judging, "likeness", _likeness),
        ):
            yield

    def _begin(self) -> None:
        for worker in self.workers.values():
            worker.boot()
        for visitor in self.visitors:
            after = arrival(self, visitor.number, ARRIVALS)
            self.scheduler.spawn(visitor.name, visitor.live, self.outside, after=after)
        if STAFF in self.cast:
            self.scheduler.spawn(STAFF.name, self._staffed(self.staff.work), self.outside, after=5 * MINUTE)
        if FORGER in self.cast:
            self.scheduler.spawn(FORGER.name, self.forger.work, self.outside, after=2 * MINUTE)
        old = self.faults.at("process", "deployment")
        if Fault.OLD_CODE in old:
            self.faults.strike(old.name, Fault.OLD_CODE)
            self.trace.note(f"FAULT {Fault.OLD_CODE}", old.name, who="deployment")
            for process in (self.workers["worker a"].process, self.api):
                process.knows_new_events = False

    def _staffed(self, work: Callable[[], None]) -> Callable[[], None]:
        """A person's work at the counter, where a crash costs them a while and no more."""

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
        """Whether the bad days are not over."""
        return self.faults.are_on

    def calm_down(self) -> None:
        """Nothing fails any more, and whoever has to decide does so."""
        self.faults.are_on = False
        self.chore_pause = DAY
        for process in (self.api, self.counter, *(worker.process for worker in self.workers.values())):
            process.skew = timedelta(0)
            process.knows_new_events = True
        for checkout, state in list(self.payments.states.items()):
            if state.standing is CheckoutStanding.PENDING:
                self.settle(checkout, has_failed=False)
        for intent in list(self.disputes):
            self.decide(intent, DisputeOutcome.WON)
        self.trace.note("the bad days are over", who="world")

    def _come_to_rest(self) -> None:
        for _ in range(PATIENCE_DAYS):
            self.scheduler.run(self.scheduler.now + DAY)
            if self.is_at_rest():
                # Word that was lost altogether is found by the comparison, within two days.
                self.scheduler.run(self.scheduler.now + 2 * DAY)
            if self.is_at_rest():
                return
            self.scheduler.spawn("staff", self._staffed(self.staff.release_all), self.outside)
        self.laws.not_at_rest()

    def _grow_old(self) -> None:
        """Let the retention pass."""
        self.chore_pause = 5 * DAY
        self.scheduler.run(
            self.scheduler.now + int(self.policy.photo_retention.total_seconds()) * SECOND + 6 * DAY
        )

    def is_at_rest(self) -> bool:
        """Whether nobody has anything left to do."""
        is_over = all(map(self.is_over, self.own_books.pages.orders.values()))
        is_settled = all(one.is_settled for one in self.own_books.pages.unmatched.values())
        return is_over and is_settled and not self.postman.on_its_way and not self.unsettled_checkouts()

    def is_over(self, order: Order) -> bool:
        """Whether nothing is left to do for an order."""
        return order.state in TERMINAL and not order.is_held and not needed(order)

    def unsettled_checkouts(self) -> list[str]:
        """What was paid and belongs to nobody yet."""
        pages = self.own_books.pages
        known = {one.payment.checkout_session_id for one in pages.orders.values() if one.payment}
        return [
            checkout
            for checkout, state in self.payments.states.items()
            if state.standing is CheckoutStanding.PAID
            and checkout not in known
            and checkout not in pages.unmatched
        ]

    def order(self, order_id: OrderId) -> Order:
        """An order as the books have it now."""
        return self.own_books.pages.orders.get(order_id, Order(order_id=order_id))

    # Processes.

    def crash(self, process: Process) -> None:
        """Let a process die; it is started anew after a while."""
        self.trace.note(f"{process.name} dies", who="world")
        self.scheduler.kill(process)
        worker = self.workers.get(process.name)
        after = int(self.chance.between(f"restart {process.name} {process.life}", 0.5, 30) * SECOND)
        process.up_at = self.scheduler.now + after
        if worker is not None:
            self.scheduler.spawn(
                f"start {process.name} {process.life}", worker.boot, self.outside, after=after
            )

    def ask(
        self,
        client: str,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer | None:
        """Send a request to the shop; none when no answer came back, whatever was done."""
        about = f"{client} {method} {target.partition('?')[0]}"
        struck = self.faults.at("request", about)
        for fault in struck.faults:
            self.faults.strike(struck.name, fault)
            self.trace.note(f"FAULT {fault}", struck.name)
        self.scheduler.sleep(20_000)
        if Fault.DELAY in struck:
            self.scheduler.sleep(int(self.chance.between(f"late {struck.name}", 1, 40) * SECOND))
        is_lost = Fault.LOST in struck
        if is_lost and self.chance.at(f"half {struck.name}") < 0.5:
            return None
        if Fault.DUPLICATE in struck:
            # Somebody clicked twice: both are on their way at the same time.
            twin = self.scheduler.spawn(
                f"{struck.name} (twin)",
                lambda: self._twin(about, method, target, body, headers or {}),
                self.outside,
            )
            twin.facts = dict(self.scheduler.current.facts)
        answer = self._answer(about, method, target, body, headers or {})
        return None if is_lost else answer

    def _twin(self, about: str, method: str, target: str, body: bytes, headers: dict[str, str]) -> None:
        self._answer(f"{about} (twin)", method, target, body, headers)

    def _answer(
        self, about: str, method: str, target: str, body: bytes, headers: dict[str, str]
    ) -> Answer | None:
        if self.scheduler.now < self.api.up_at:
            return None
        task = self.scheduler.current
        task.facts["about"] = about
        request_id = self.chance.uuid(self.chance.numbered(f"request {about}"))
        try:
            with self.scheduler.inside(self.api), self.laws.watching(method, target) as watch:
                answer = doorway().ask(
                    method, target, body=body, headers={**headers, "x-request-id": str(request_id)}
                )
                if not answer.is_whole:
                    self.trace.note("gets half an answer", about)
                    return None
                watch(answer)
        except Crashed:
            if task.is_dead:
                raise
            self.trace.note("loses the connection", about)
            return None
        finally:
            task.facts["about"] = ""
        self.trace.note(
            f"{answer.status} for {method}",
            target if answer.status < 500 else f"{target} {answer.body[:200]!r}",
        )
        return answer

    def check_refused(self, path: str, answer: Answer | None) -> None:
        """Law 12: a forgery is refused."""
        if answer is not None and answer.status < 400:
            raise LawBrokenError(12, f"A forged message to {path} was answered with {answer.status}.")

    def _after_commit(self, transaction: InMemoryTransaction) -> None:
        for work in transaction.pages.written("work").values():
            self.agenda.note(work)
        self.laws.after_commit(transaction)

    # What follows at the providers.

    def checkout_opened(self, checkout_session_id: str) -> None:
        """Close the page some minutes after its time, if nobody has paid by then."""
        lifetime = int(self.policy.checkout_lifetime.total_seconds() * SECOND)
        self._later(
            f"page {checkout_session_id}", lambda: self.expire(checkout_session_id), lifetime + 5 * MINUTE
        )

    def expire(self, checkout_session_id: str) -> None:
        """Close a page that nobody paid on."""
        if self.payments.states[checkout_session_id].standing is CheckoutStanding.OPEN:
            self.payments.expire(checkout_session_id)
            self.post_checkout(checkout_session_id, NoticeKind.ABANDONED)

    def settle(self, checkout_session_id: str, *, has_failed: bool) -> None:
        """Let money that took days arrive, or say that it never will."""
        if self.payments.states[checkout_session_id].standing is CheckoutStanding.PENDING:
            self.payments.settle(checkout_session_id, has_failed=has_failed)
            self.post_checkout(checkout_session_id, NoticeKind.ABANDONED if has_failed else NoticeKind.PAID)

    def post_checkout(self, checkout_session_id: str, kind: NoticeKind) -> None:
        """Have the payment provider tell of a checkout."""
        name = f"evt_{checkout_session_id}_{kind}"
        state = self.payments.states[checkout_session_id]
        self._post_money(
            PaymentNotice(
                event_id=name, event_type=f"checkout.session.{kind}", kind=kind, checkout=state.checkout
            )
        )

    def refund_made(self, payment_intent_id: str, refund: ProviderRefund) -> None:
        """Tell of a refund; now and then it fails after all."""
        self._tell_refund(payment_intent_id, refund)
        name = refund.provider_refund_id
        if self.is_bustling and self.chance.at(f"fate {name}") < 0.1:
            self._later(f"bank {name}", lambda: self._fail_refund(payment_intent_id, refund), 3 * HOUR)

    def _fail_refund(self, payment_intent_id: str, refund: ProviderRefund) -> None:
        self.trace.note("lets a refund fail", refund.provider_refund_id)
        self.payments.fail_refund(refund.provider_refund_id)
        self._tell_refund(payment_intent_id, replace(refund, has_failed=True))

    def _tell_refund(self, payment_intent_id: str, refund: ProviderRefund) -> None:
        payment = self.payments.payments[payment_intent_id]
        wish = next(
            (w for w, made in payment.refunds if made.provider_refund_id == refund.provider_refund_id), None
        )
        self._post_money(
            PaymentNotice(
                event_id=f"evt_{refund.provider_refund_id}_{refund.has_failed}",
                event_type="refund.updated",
                kind=NoticeKind.REFUND_FAILED if refund.has_failed else NoticeKind.REFUND_ISSUED,
                payment_intent_id=payment_intent_id,
                refund=refund,
                refund_id=wish.refund_id if wish is not None and wish.idempotency_key else None,
            )
        )

    def refund_by_hand(self, order_id: OrderId, percent: int) -> None:
        """Somebody pays back in the provider's dashboard, as far as there is something left."""
        payment = self.order(order_id).payment
        intent = payment.payment_intent_id if payment else None
        if intent is None or intent in self.disputes or not self.payments.payments[intent].left:
            return
        at_provider = self.payments.payments[intent]
        amount = min(max(at_provider.paid.amount * percent // 100, 1), at_provider.left)
        self.payments.refund_by_hand(intent, amount)

    def dispute(self, order_id: OrderId) -> None:
        """A customer's bank takes what is left of a payment, for the time being."""
        payment = self.order(order_id).payment
        intent = payment.payment_intent_id if payment else None
        if intent is None or intent in self.disputes or not self.payments.payments[intent].left:
            return
        at_provider = self.payments.payments[intent]
        at_provider.is_disputed = True
        opened = PaymentNotice(
            event_id=f"evt_dp_{intent}_opened",
            event_type="charge.dispute.created",
            kind=NoticeKind.DISPUTE_OPENED,
            payment_intent_id=intent,
            dispute_id=f"dp_{intent}",
            dispute_amount=replace(at_provider.paid, amount=at_provider.left),
            reason="fraudulent",
        )
        self.disputes[intent] = self._post_money(opened)
        outcome = self.chance.one_of(f"dispute {intent}", (DisputeOutcome.WON, DisputeOutcome.LOST))
        self._later(f"bank {intent}", lambda: self.decide(intent, outcome), 8 * HOUR)

    def decide(self, payment_intent_id: str, outcome: DisputeOutcome) -> None:
        """The bank decides; what it keeps is as good as paid back."""
        opened = self.disputes[payment_intent_id]
        if opened.outcome is not None:
            return
        self.payments.payments[payment_intent_id].is_disputed = outcome is not DisputeOutcome.WON
        closed = replace(
            opened,
            event_id=f"evt_dp_{payment_intent_id}_closed",
            event_type="charge.dispute.closed",
            kind=NoticeKind.DISPUTE_CLOSED,
            outcome=outcome,
        )
        self.disputes[payment_intent_id] = self._post_money(closed)

    def _post_money(self, notice: PaymentNotice) -> PaymentNotice:
        told = replace(notice, created_at=self.scheduler.moment())
        self.payment_ledger.told.append(told)
        if notice.dispute_id is not None:
            self.payment_ledger.disputed.append(told)
        self.postman.post("stripe", told.event_id, told, "/api/webhooks/stripe")
        return told

    def prediction_begun(self, prediction_id: str) -> None:
        """Let it run for a while; most end well."""
        seconds = self.chance.between(f"length {prediction_id}", 2, 40)
        if self.is_bustling and self.chance.at(f"stuck {prediction_id}") < 0.03:
            return  # it never ends by itself
        self._later(f"gpu {prediction_id}", lambda: self._end(prediction_id), int(seconds * SECOND))

    def _end(self, prediction_id: str) -> None:
        work = self.restorer.works[prediction_id]
        if work.told.status is not PredictionStatus.RUNNING:
            return
        fate = self.chance.at(f"fate {prediction_id}") if self.is_bustling else 1.0
        if fate < 0.15:
            reason = self.chance.one_of(f"reason {prediction_id}", tuple(FailureReason))
            self.restorer.fail(prediction_id, reason)
        elif fate < 0.2:
            self.restorer.succeed(prediction_id, b"restored portrait of somebody else")
        else:
            self.restorer.succeed(prediction_id, b"restored " + work.picture)
        self._later(f"gpu {prediction_id}", lambda: self.restorer.forget_output(prediction_id), HOUR)
        path = work.webhook_url.removeprefix(self.policy.webhook_url)
        name = f"msg_{prediction_id}"
        notice = RestorationNotice(event_id=name, prediction_id=prediction_id, has_ended=True)
        self.postman.post("replicate", name, notice, path)

    def mail_accepted(self, message_id: str, mail: Mail) -> None:
        """Bring the mail, and tell what became of it."""
        fate = self.chance.at(f"fate {message_id}") if self.is_bustling else 1.0
        is_lost = fate < 0.05
        if is_lost:
            self.mail_ledger.undeliverable.add(message_id)
        else:
            self.scheduler.tell(("mail", mail.to), after=SECOND)
        for what in (MailFate.ACCEPTED, MailFate.UNDELIVERABLE) if is_lost else (MailFate.ACCEPTED,):
            name = f"{message_id}:{what}"
            notice = MailNotice(
                event_id=name,
                email_id=mail.email_id,
                order_id=mail.order_id,
                message_id=message_id,
                fate=what,
                reason="550" if what is MailFate.UNDELIVERABLE else None,
            )
            after = 20 * SECOND if what is MailFate.UNDELIVERABLE else 2 * SECOND
            self.postman.post("sendgrid", name, notice, "/api/webhooks/sendgrid", after=after)

    def _later(self, who: str, do: Callable[[], None], after: int) -> None:
        self.scheduler.spawn(who, do, self.outside, after=after)


#: It is pure and takes a millisecond, and visitors everywhere have the same photos.
_likeness = cache(likeness)


def _is_expected(error: BaseException | None) -> bool:
    """Whether it is, or comes from, what the world may do to the shop."""
    while error is not None and not isinstance(error, (OutsideError, BooksError, UnknownEventError)):
        error = error.__cause__
    return error is not None


@contextmanager
def _logs_go_to(world: World) -> Iterator[None]:
    """The shop's own log lines go nowhere, for the trace tells more; only what it did not expect is kept."""

    def keep(_logger: object, _method: str, line: Any) -> Any:
        if line.get("exc_info"):
            error = sys.exception()
            world.unexpected = "".join(traceback.format_exception(error))
            if not _is_expected(error):
                raise LawBrokenError(0, f"The shop caught what it did not expect: {world.unexpected}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[keep], cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)
