"""Every law holds in fifty worlds, and a seed is deterministic anywhere."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from domain.use_cases.payments.payment_events import Handled
from domain.use_cases.payments.payment_webhook import PaymentWebhook, ReceivedWebhook
from tests.simulation import visitors
from tests.simulation.faults import Faults, Plan
from tests.simulation.keyed_random import KeyedRandom
from tests.simulation.participants import FORGER, STAFF, visitor
from tests.simulation.world_run import run

#: Few enough visitors for fifty worlds in a test suite.
FEW = 3


@pytest.mark.parametrize(
    "first", [1, *(pytest.param(first, marks=pytest.mark.slow) for first in range(6, 51, 5))]
)
def test_every_law_holds_in_five_worlds(first: int) -> None:
    for seed in range(first, first + 5):
        outcome = run(seed, FEW)
        assert outcome.holds, "\n".join([f"seed {seed}: {outcome.sentence}", *outcome.timeline])


def test_every_law_holds_in_five_worlds_without_http() -> None:
    for seed in range(1, 6):
        outcome = run(seed, FEW, without_http=True)
        assert outcome.holds, "\n".join([f"seed {seed}: {outcome.sentence}", *outcome.timeline])


def test_services_alone_lead_to_the_same_orders_as_http() -> None:
    participants = [
        visitor(number, habit="pay", link_action=link_action, photos=2)
        for number, link_action in enumerate(("fetch", "ask for a redo", "renew", "resend"), start=1)
    ]
    through_http, alone = (
        run(5, participants, plan=Plan(rates_are_zero=True), without_http=without_http)
        for without_http in (False, True)
    )
    assert alone.holds, alone.sentence
    assert (alone.ended, alone.kinds, alone.events) == (
        through_http.ended,
        through_http.kinds,
        through_http.events,
    )


def test_without_faults_every_order_that_is_paid_is_completed_without_a_recovery() -> None:
    participants = [visitor(number, habit="pay", link_action="fetch", photos=2) for number in range(1, 5)]
    outcome = run(5, participants, plan=Plan(rates_are_zero=True))
    assert outcome.holds, outcome.sentence
    assert outcome.ended == {"completed": len(participants)}
    assert not outcome.struck
    assert outcome.recoveries["work of a dead worker was taken over"] == 0


def test_payments_of_one_moment_are_recorded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = []
    handle_paid = PaymentWebhook.handle_paid

    def handle(webhook: PaymentWebhook, received: Sequence[ReceivedWebhook]) -> Sequence[Handled | Exception]:
        batches.append(len(received))
        return handle_paid(webhook, received)

    monkeypatch.setattr(PaymentWebhook, "handle_paid", handle)
    monkeypatch.setattr(visitors, "PAYING_TOGETHER", 1)
    participants = [visitor(number, habit="pay", link_action="forget", photos=1) for number in range(1, 5)]
    outcome = run(5, participants, plan=Plan(rates_are_zero=True))
    assert outcome.holds, outcome.sentence
    # The first begins at once; those that arrive before its commit share the next transaction. One pays an hour later.
    assert batches == [1, 2, 1]


def test_a_world_does_not_depend_on_those_before_it() -> None:
    alone = run(7, FEW).digest
    run(8, FEW)
    assert run(7, FEW).digest == alone


@pytest.mark.slow
def test_the_same_seed_is_the_same_world_in_a_process_that_hashes_otherwise() -> None:
    script = "from tests.simulation.world_run import run; print(run(7).digest)"
    digests = {
        subprocess.run(  # noqa: S603 -- a constant script
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(digests) == 1
    assert digests == {f"{run(7).digest}\n"}


def test_a_plan_of_all_that_struck_is_the_same_world() -> None:
    participants = [visitor(1, habit="pay", link_action="fetch", photos=1), STAFF, FORGER]
    whole = run(31, participants)
    assert len(whole.struck) > 20
    assert run(31, participants, plan=Plan(only=frozenset(whole.struck))).digest == whole.digest


def test_an_absent_customer_changes_nothing_about_what_another_meets_at_first() -> None:
    first, second = (visitor(number, habit="pay", link_action="fetch", photos=1) for number in (1, 2))
    alone, together = run(31, [second]).struck, run(31, [first, second]).struck
    uploads = [
        [fault for fault in struck if "visitor 2 POST /api/uploads#" in fault] for struck in (alone, together)
    ]
    assert uploads[0] == uploads[1]


def test_what_is_drawn_at_a_place_depends_on_nothing_that_was_drawn_elsewhere() -> None:
    few, many = (Faults(KeyedRandom(7)) for _ in range(2))
    for number in range(50):
        many.at("storage", f"put {number}")
    assert [few.at("mailer", "send").faults for _ in range(20)] == [
        many.at("mailer", "send").faults for _ in range(20)
    ]
