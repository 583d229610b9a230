"""One run: open the shop, inject faults under load, settle, check laws."""

import json
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from domain.order import events as e
from domain.order.states import TERMINAL
from entrypoints.command_errors import CommandFailedError
from tests.chaos.collected_state import ALLOWED_HOLDS, collected
from tests.chaos.customers import Visitors
from tests.chaos.fault_runner import FaultRunner, Incident
from tests.chaos.forger import forge
from tests.chaos.mailbox import Mailbox
from tests.chaos.outcome import Outcome
from tests.chaos.provider_records import records_file, undelivered
from tests.chaos.schedule import Manner, Schedule
from tests.chaos.shop_under_test import TWINS, ShopUnderTest
from tests.chaos.visitor_threads import VisitorThreads
from tests.chaos.visits import Ending, Experience, Forgery, Visits
from tests.laws import LAWS
from tests.laws.snapshot import Snapshot
from tests.waiting import eventually

#: The bounded time of law 11. On two cores, the backlog at the end of the faults takes about a minute; then
#: come the shop's own waits, of which that of a refund after some failed attempts is the longest.
REST_SECONDS = 200.0
#: How often to report progress.
_REPORT_SECONDS = 0.5
#: What the shop's own reconciliation may find at rest: unused outputs of duplicate predictions that await the
#: purge, and orders that are held for their mails.
_EXPLAINED = {"stray_object", "order_held"}
#: How many customers try to open another customer's photo through their own link.
_TRESPASSES = 20

_COMPLETED = "SELECT count(*) AS count FROM orders WHERE state = 'completed'"
_OPEN_ORDERS = """SELECT order_id, state, hold_reason FROM orders
    WHERE (state <> ALL(%s) OR hold_reason IS NOT NULL) AND coalesce(hold_reason <> ALL(%s), true)"""
_OPEN_WORK = """SELECT order_id, kind, status, attempts, problem, due_at FROM reactions
    WHERE status IN ('pending', 'leased')"""
_IMAGES = "SELECT image_id FROM images WHERE order_id = %s LIMIT 1"


class Watcher(Protocol):
    """Receives the progress of a run."""

    def say(self, sentence: str) -> None:
        """Report what begins now."""
        ...

    def show(self, seconds: float, completed: int, visits: Visits) -> None:
        """Report the progress."""
        ...

    def struck(self, incident: Incident) -> None:
        """Report a fault that is over, or that missed."""
        ...


class Run:
    """A schedule, the shop under test, and all participants."""

    def __init__(
        self, schedule: Schedule, shop_under_test: ShopUnderTest, watcher: Watcher, stack: ExitStack
    ) -> None:
        self._schedule = schedule
        self._shop_under_test = shop_under_test
        self._watcher = watcher
        mailbox = Mailbox(records_file(shop_under_test.data_dir, "sendgrid"))
        stack.callback(mailbox.close)
        self._visitors = Visitors(shop_under_test.shop.environment, mailbox)
        stack.callback(self._visitors.close)
        self._visitor_threads = VisitorThreads()
        self._visits = Visits([Experience(visit) for visit in schedule.visits])
        self._fault_runner = FaultRunner(shop_under_test, schedule.tracks, watcher.struck)

    def __call__(self) -> Outcome:
        """Run everything, from the first customer to the outcome."""
        try:
            completed = self._chaos()
        finally:
            self._shop_under_test.ending.set()
            self._fault_runner.wait()
        self._watcher.say(
            "Quiet: no fault any more, everything runs, and visitors in the shop stay until served."
        )
        self._shop_under_test.behave()
        began = time.monotonic()
        restless = self._rest()
        rest_seconds = time.monotonic() - began
        self._watcher.say(f"At rest after {rest_seconds:.0f} s; the records are checked.")
        self._trespass()
        self._visitor_threads.close()
        snapshot = collected(self._shop_under_test.shop, self._shop_under_test.ask, self._visits, restless)
        return Outcome(
            schedule=self._schedule,
            incidents=self._fault_runner.incidents,
            visits=self._visits,
            completed=completed,
            completed_at_rest=self._completed(),
            rest_seconds=rest_seconds,
            counts={
                **counted(snapshot),
                "pieces that broke off": sum(lived.broken_pieces for lived in self._visits.experiences),
                "events of streams": sum(lived.stream_events for lived in self._visits.experiences),
            },
            breaches={law.number: [one.sentence for one in law.check(snapshot)] for law in LAWS},
            disagreements=self._compare(),
            deaths=self._deaths(),
            defects=[repr(failure) for failure in self._visitor_threads.failures],
        )

    def _chaos(self) -> int:
        """Run visitors and faults; return how many orders completed meanwhile."""
        began = time.monotonic()
        for lived in self._visits.experiences:
            self._visitor_threads.expect(began + lived.visit.at_seconds, partial(self._steps, lived))
        self._visitor_threads.start()
        self._fault_runner.start()
        completed = 0
        while (left := began + self._schedule.seconds - time.monotonic()) > 0:
            self._shop_under_test.ending.wait(min(_REPORT_SECONDS, left))
            completed = max(completed, self._completed())
            self._watcher.show(time.monotonic() - began, completed, self._visits)
        return max(completed, self._completed())

    def _steps(self, lived: Experience) -> Generator[float, None, None]:
        if lived.visit.manner is Manner.FORGER:
            return forge(self._visitors, self._visits, lived)
        return self._visitors.steps(lived)

    def _completed(self) -> int:
        rows = self._shop_under_test.asked(_COMPLETED)
        return int(rows[0]["count"]) if rows else 0

    def _rest(self) -> list[str]:
        """Wait until the shop is at rest; return what is still active."""
        try:
            eventually(lambda: not self._restless(), within_seconds=REST_SECONDS, every_seconds=0.5)
        except TimeoutError:
            return self._restless()
        return []

    def _restless(self) -> list[str]:
        terminal = [str(state) for state in TERMINAL]
        return [
            *(
                f"Order {row['order_id']} is {row['state']}, held: {row['hold_reason'] or 'no'}."
                for row in self._shop_under_test.ask(_OPEN_ORDERS, [terminal, list(map(str, ALLOWED_HOLDS))])
            ),
            *(
                f"{row['kind']} of order {row['order_id']} is {row['status']}: {row}"
                for row in self._shop_under_test.ask(_OPEN_WORK)
            ),
            *(
                f"{twin} has webhooks to deliver."
                for twin in TWINS
                if undelivered(self._shop_under_test.data_dir, twin)
            ),
            *(
                []
                if self._visitor_threads.is_gone
                else ["There are visitors in the shop who wait for something."]
            ),
        ]

    def _trespass(self) -> None:
        """Let customers try their own link on the next customer's photo."""
        served = [lived for lived in self._visits.experiences if lived.link and lived.ending is Ending.SERVED]
        for mine, other in list(pairwise(served))[:_TRESPASSES]:
            for row in self._shop_under_test.ask(_IMAGES, [other.order_id]):
                url = f"{self._visitors.shop}/api/download/{mine.link}/{row['image_id']}"
                status = self._visitors.http.get(url).status_code
                trespass = Forgery(what="Another's photo through one's own link", marker=url, status=status)
                self._visits.trespasses.append(trespass)

    def _compare(self) -> list[str]:
        """The unexplained findings of the shop's own reconciliation.

        It runs in a separate process, with no grace period for recent objects.
        """
        words = [sys.executable, "-m", "entrypoints.cli", "reconcile", "--since", "1h", "--json"]
        env = {**self._shop_under_test.shop.environment, "RECONCILE_GRACE_SECONDS": "0"}
        compared = subprocess.run(words, env=env, capture_output=True, text=True, check=False)  # noqa: S603
        *findings, whole = [json.loads(line) for line in compared.stdout.splitlines()] or [{}]
        if whole.get("findings") != len(findings) or whole["closed"] or whole["cut_off"]:
            return [f"It was cut short: {whole} {compared.stderr.strip()}"]
        return [
            f"{found['what']} {found['subject']}: {found['wrong']}"
            for found in findings
            if found["what"] not in _EXPLAINED
        ]

    def _deaths(self) -> list[str]:
        try:
            self._shop_under_test.shop.check()
        except CommandFailedError as death:
            return [str(death)]
        return []


def counted(snapshot: Snapshot) -> dict[str, int]:
    """Counts of what happened in a run."""
    kinds = [type(event) for stream in snapshot.streams.values() for event in stream.history]
    adopted = {
        event.prediction_id
        for stream in snapshot.streams.values()
        for event in stream.history
        if isinstance(event, e.RestorationCompleted)
    }
    payments, mails = snapshot.payments or (), snapshot.mails or ()
    claims = [change for change in snapshot.lease_changes if change.is_claim]
    return {
        "orders": len(snapshot.streams),
        "events": len(kinds),
        "payments at Stripe": sum(bool(payment.amount) for payment in payments),
        "payments without an order": len(snapshot.unmatched),
        "refunds at Stripe": sum(len(payment.refunds) for payment in payments),
        "predictions at Replicate": len(snapshot.predictions),
        "predictions that came second": sum(
            one.has_succeeded and one.prediction_id not in adopted for one in snapshot.predictions
        ),
        "mails at SendGrid": len(mails),
        "mails in doubt": kinds.count(e.EmailUnconfirmed),
        "mails that came back": kinds.count(e.EmailBounced),
        "calls that changed something at a provider": len(snapshot.calls),
        "claims": len(claims),
        "leases that ran out and were taken over": sum(change.token_before is not None for change in claims),
        "objects in the storage": len(snapshot.objects or ()),
        "forged or malformed messages": len(snapshot.forgeries),
    }


def run(schedule: Schedule, data_dir: Path, planted: dict[str, str], watcher: Watcher) -> Outcome:
    """Run a schedule and leave no process behind.

    Raises CommandFailedError if the shop does not open.
    """
    with ExitStack() as stack:
        watcher.say("Opening the shop with two workers ...")
        shop_under_test = stack.enter_context(ShopUnderTest(data_dir, planted))
        return Run(schedule, shop_under_test, watcher, stack)()
