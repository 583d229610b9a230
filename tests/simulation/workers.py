"""The worker processes: task loops and scheduled tasks, as in production."""

import heapq
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from adapters.postgres.event_codec import UnknownEventError
from domain.order.reactions import Reaction
from domain.ports.errors import OutsideError
from domain.ports.reaction_queue import Claim
from domain.ports.unit_of_work import LeaseLostError, UnitOfWorkError
from domain.use_cases.reconciliation.findings import Report
from entrypoints.worker.lease_renewal import LeaseRenewal
from tests.simulation.scheduler import EPOCH, SECOND, Process

if TYPE_CHECKING:
    from tests.doubles.reaction_table import Work
    from tests.simulation.world import World

HANDS = 2
#: The least pause between two sweeps, and the pause before it checks again what stayed due.
SWEEP_LEAST, SWEEP_AGAIN = 5 * SECOND, 30 * SECOND
#: The probability that a scheduled task runs right after a restart; in production all of them do.
AT_ONCE = 0.1
#: The probability that a hand may go on with what its reaction makes due.
GOES_ON = 0.7

#: Errors that a loop survives: a dependency is unavailable, another worker was first, or the code is too old.
EXPECTED = (OutsideError, UnitOfWorkError, UnknownEventError)


class Agenda:
    """When the sweeper has work to do.

    Virtual time in which nothing is due costs no computation.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self._due: list[tuple[int, UUID]] = []
        self._next: dict[UUID, int] = {}  # of open work, when it may have to be sent again

    def note(self, work: "Work") -> None:
        """Update the agenda from a reaction's state after a commit."""
        if work.outcome is not None:
            self._next.pop(work.reaction_id, None)
            return
        free_from = work.leased_until or work.due_at
        if work.sent_at is not None:
            patience = self._world.policy.work.resend_after * 2 ** min(max(work.sendings - 1, 0), 6)
            free_from = max(free_from, work.sent_at + patience)
        self._put((free_from - EPOCH) // timedelta(microseconds=1), work.reaction_id)

    def pause(self) -> int | None:
        """How long the sweeper may rest, in microseconds; none means indefinitely."""
        now = self._world.scheduler.now
        while self._due and (self._due[0][0] <= now or self._is_past(*self._due[0])):
            at, reaction_id = heapq.heappop(self._due)
            if not self._is_past(at, reaction_id):
                # It was swept, perhaps by a process with another clock: it is swept again.
                self._put(now + SWEEP_AGAIN, reaction_id)
        return max(self._due[0][0] - now, SWEEP_LEAST) if self._due else None

    def _put(self, at: int, reaction_id: UUID) -> None:
        is_next = not self._due or at < self._due[0][0]
        self._next[reaction_id] = at
        heapq.heappush(self._due, (at, reaction_id))
        if is_next:
            self._world.scheduler.notify("agenda", after=1)

    def _is_past(self, at: int, reaction_id: UUID) -> bool:
        return self._next.get(reaction_id) != at


class WorkerProcess:
    """One worker process: it can die and restart."""

    def __init__(self, world: "World", process: Process) -> None:
        self.world = world
        self.process = process
        self._busy: dict[str, Claim] = {}  # the claim whose lease each loop holds

    def boot(self) -> None:
        """Start every loop and every scheduled task."""
        shop, leases = self.world, LeaseRenewal(self.world.reaction_runner)
        self._busy.clear()
        for number in range(1, HANDS + 1):
            self._spawn(f"hand {number}", lambda: self._work(leases))
        self._spawn("sweeper", self._sweep)
        self._spawn("leases", lambda: self._keep(leases))
        for name, do in {
            "housekeeping": shop.upload_cleanup.tidy,
            "unmatched payments": shop.unmatched_payment_service.refund_due,
            "pending payments": shop.checkout_sync.poll_pending_payments,
            "retention": shop.photo_retention.purge,
            "reminders": shop.link_reminders.remind,
            "reconciling": lambda: _compare(shop),
        }.items():
            self._spawn(name, lambda name=name, do=do: self._repeat(name, do))  # type: ignore[misc]

    def _spawn(self, name: str, body: Callable[[], None]) -> None:
        life = f"{self.process.name}.{self.process.life}"
        self.world.scheduler.spawn(f"{life} {name}", body, self.process, after=SECOND // 10)

    def _work(self, leases: LeaseRenewal) -> None:
        scheduler, trace = self.world.scheduler, self.world.trace
        task = scheduler.current
        while True:
            reaction_id = self.world.queue.take()
            task.facts = {"about": str(reaction_id)}
            try:
                claimed = self.world.reaction_runner.claim(reaction_id)
                if claimed is None:
                    trace.recover("a wake-up found nothing to do")
                    continue
                if claimed[0].was_interrupted:
                    trace.recover("work of a dead worker was taken over")
                while claimed is not None:
                    claim, order = claimed
                    task.facts = {"about": str(claim.reaction_id), "claim": claim, "calls": set()}
                    self._busy[task.name] = claim
                    scheduler.notify("leases")
                    with leases.keep(claim, order, "any"):
                        claimed = self.world.reaction_runner.perform(claim, order, self._follows)
            except LeaseLostError:
                trace.note("finds its lease lost")
            except EXPECTED as error:
                trace.note(f"fails: {type(error).__name__}", str(reaction_id))
            finally:
                self._busy.pop(task.name, None)

    def _follows(self, reaction: Reaction) -> bool:
        """Whether a hand goes on; in production that depends on others."""
        return self.world.chance.at(self.world.chance.numbered(f"goes on with {reaction}")) < GOES_ON

    def _sweep(self) -> None:
        scheduler = self.world.scheduler
        while True:
            scheduler.current.facts["about"] = "sweeper"
            if self._do("sweeper", self.world.reaction_runner.resend_due):
                self.world.trace.recover("the sweeper sent something again or admitted it")
            # What was reported during the sweep has moved the agenda forward; it is handled a moment later.
            before = scheduler.now
            scheduler.wait("agenda", at_most=self.world.agenda.pause())
            if scheduler.now < before + SWEEP_LEAST:
                scheduler.sleep(before + SWEEP_LEAST - scheduler.now)

    def _keep(self, leases: LeaseRenewal) -> None:
        third = int(self.world.policy.work.lease.total_seconds() * SECOND / 3)
        scheduler = self.world.scheduler
        while True:
            scheduler.sleep(third)
            if not self._busy:
                scheduler.wait("leases")
            else:
                scheduler.current.facts["about"] = "leases"
                scheduler.current.facts["held"] = {claim.token for claim in self._busy.values()}
                self._do("leases", leases.renew)

    def _repeat(self, name: str, do: Callable[[], object]) -> None:
        scheduler = self.world.scheduler
        if self.process.life > 1 and self.world.chance.at(f"{scheduler.current.name} at once") > AT_ONCE:
            # A process that dies often would do little else.
            scheduler.wait(name, at_most=self.world.schedule_pause)
        while True:
            scheduler.current.facts["about"] = name
            self._count_recoveries(name, self._do(name, do))
            scheduler.wait(name, at_most=self.world.schedule_pause)

    def _count_recoveries(self, name: str, done: object) -> None:
        """Count what a scheduled task recovered."""
        if isinstance(done, Report):
            for finding in done.findings:
                if finding.is_repaired:
                    self.world.trace.recover(f"reconciliation repaired: {finding.what.value}")
                self.world.trace.note(f"finds {finding.what.value}", f"{finding.subject} {finding.order_id}")
        elif isinstance(done, int) and done:
            self.world.trace.recover(f"{name} found something to do")

    def _do(self, name: str, do: Callable[[], object]) -> object:
        try:
            return do()
        except EXPECTED as error:
            self.world.trace.note(f"{name} fails: {type(error).__name__}")
            return None


def _compare(shop: "World") -> Report | None:
    """Reconcile if that is due; raise the first defect.

    An error that no port declares is a defect of the shop.
    """
    report = shop.reconciliation.compare_if_due(shop.compares_every)
    if report is not None and report.defects:
        raise report.defects[0]
    return report
