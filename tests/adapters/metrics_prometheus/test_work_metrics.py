"""Reactions, commits and predictions have the right values in metrics."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from adapters.metrics_prometheus.recorder import MetricsRecorder
from domain.order import events as e
from domain.order.reactions import CollectRestoration, MoveImages, Reaction, SendEmail
from domain.order.values import FailureReason, HoldReason, OrderId, Variant
from domain.ports.errors import UnavailableError
from domain.ports.event_store import Commit
from domain.ports.unit_of_work import LeaseLostError, VersionConflictError
from domain.use_cases.order_command_handler import MAX_DECISIONS
from domain.use_cases.order_transaction import Cause
from domain.use_cases.reaction_handlers import spec_of
from domain.use_cases.restoration.originals import OriginalsCopier
from entrypoints.bootstrap.monitoring import Monitoring
from tests.domain.support.claims import claim_next
from tests.doubles.container import POLICY, InMemoryShop
from tests.doubles.event_store import InMemoryEventStore
from tests.doubles.restorer import MODELS

FIRST, SECOND, ENLARGING = (MODELS[each] for each in (Variant.FIRST, Variant.SECOND, Variant.ENLARGE))
COSTS = {FIRST: 0.04, f"{SECOND}:0fbacf7a": 0.5, ENLARGING: 0.002}
OFF = UnavailableError("The double", "it is off")
SMALL, LARGE = b"halved portrait of ada", b"portrait of ada"


class CountedShop(InMemoryShop):
    """A counted shop of doubles with a second and an enlarging model."""

    def __init__(self) -> None:
        self.recorder = MetricsRecorder("1.2.3", COSTS)
        self.observer = Monitoring(self.recorder).observer
        limits = replace(POLICY.limits, has_second_model=True, enlarges_results=True)
        super().__init__(replace(POLICY, limits=limits))

    def value(self, name: str, **labels: str) -> float:
        """The value of a metric; 0 if it has none yet."""
        return self.recorder.registry.get_sample_value(f"restoreclick_{name}", labels) or 0

    @contextmanager
    def counts(self, name: str, by: float, **labels: str) -> Iterator[None]:
        """Assert by how much a metric changes in the block."""
        before = self.value(name, **labels)
        yield
        assert self.value(name, **labels) - before == pytest.approx(by), name

    def end(self, prediction_id: str, outcome: bytes | FailureReason, run_seconds: float) -> None:
        """End a prediction, deliver its webhook and do what follows."""
        if isinstance(outcome, bytes):
            self.restorer.succeed(prediction_id, outcome, run_seconds)
        else:
            self.restorer.fail(prediction_id, outcome, run_seconds)
        self.post_prediction(prediction_id)
        self.work()


@pytest.fixture
def shop() -> CountedShop:
    return CountedShop()


@pytest.fixture
def restoring(shop: CountedShop) -> OrderId:
    """An order of one photo whose first prediction runs."""
    order_id = shop.pay(shop.upload(LARGE))
    shop.work()
    return order_id


def attempts_of(shop: CountedShop, kind: type[Reaction]) -> tuple[float, float]:
    """How many reactions finished, and the sum of their attempts."""
    return (
        shop.value("reaction_attempts_count", kind=kind.__name__),
        shop.value("reaction_attempts_sum", kind=kind.__name__),
    )


@pytest.mark.usefixtures("restoring")
def test_a_prediction_is_counted_when_it_starts_and_with_time_and_cost_when_it_ends(
    shop: CountedShop,
) -> None:
    assert shop.value("predictions_started_total", model=FIRST) == 1
    assert shop.value("prediction_failovers_total", model=FIRST) == 0
    assert shop.value("predictions_ended_total", model=FIRST, outcome="succeeded") == 0
    shop.end("prediction-1", LARGE, run_seconds=7.5)
    assert shop.value("predictions_ended_total", model=FIRST, outcome="succeeded") == 1
    assert shop.value("prediction_run_seconds_total", model=FIRST) == 7.5
    assert shop.value("prediction_cost_dollars_total", model=FIRST) == 0.04


@pytest.mark.usefixtures("restoring")
def test_a_failover_is_counted_under_the_second_model_whose_cost_is_known_with_its_version(
    shop: CountedShop,
) -> None:
    shop.end("prediction-1", FailureReason.REFUSED_INPUT, run_seconds=2)
    assert shop.value("predictions_started_total", model=SECOND) == 1
    assert shop.value("prediction_failovers_total", model=SECOND) == 1
    assert shop.value("prediction_failovers_total", model=FIRST) == 0
    shop.end("prediction-2", LARGE, run_seconds=3)
    assert shop.value("predictions_ended_total", model=FIRST, outcome="refused_input") == 1
    assert shop.value("prediction_run_seconds_total", model=FIRST) == 2
    assert shop.value("prediction_cost_dollars_total", model=FIRST) == 0, "a failure costs nothing"
    assert shop.value("prediction_run_seconds_total", model=SECOND) == 3
    assert shop.value("prediction_cost_dollars_total", model=SECOND) == 0.5


@pytest.mark.usefixtures("restoring")
def test_a_result_that_is_enlarged_counts_both_predictions(shop: CountedShop) -> None:
    shop.end("prediction-1", SMALL, run_seconds=7)
    assert shop.value("prediction_failovers_total", model=ENLARGING) == 1
    shop.end("prediction-2", b"enlarged " + LARGE, run_seconds=1)
    assert shop.value("prediction_cost_dollars_total", model=FIRST) == 0.04
    assert shop.value("prediction_cost_dollars_total", model=ENLARGING) == 0.002


@pytest.mark.parametrize("port", ["restorer", "storage"])
@pytest.mark.usefixtures("restoring")
def test_a_prediction_whose_output_is_fetched_again_is_counted_once(shop: CountedShop, port: str) -> None:
    faults = (shop.restorer if port == "restorer" else shop.storage).fault_injector
    for _ in range(3):
        faults.fail("fetch" if port == "restorer" else "put", OFF)
    shop.end("prediction-1", LARGE, run_seconds=7.5)
    for _ in range(60):
        shop.pass_time(minutes=1)
    collected = {"kind": "CollectRestoration", "outcome": "retried"}
    assert shop.value("reaction_duration_seconds_count", **collected) == 3
    assert shop.value("predictions_ended_total", model=FIRST, outcome="succeeded") == 1
    assert shop.value("prediction_run_seconds_total", model=FIRST) == 7.5
    assert shop.value("prediction_cost_dollars_total", model=FIRST) == 0.04


@pytest.mark.parametrize("ends_when_cancelled", [True, False])
def test_a_prediction_beyond_its_deadline_ended_as_the_order_says(
    shop: CountedShop, restoring: OrderId, monkeypatch: pytest.MonkeyPatch, *, ends_when_cancelled: bool
) -> None:
    if not ends_when_cancelled:  # Replicate may take a while
        monkeypatch.setattr(shop.restorer, "cancel", lambda _: None)
    shop.clock.advance(seconds=shop.policy.predictions.deadline.total_seconds())
    shop.reaction_runner.resend_due()
    shop.work()
    (failed,) = [each for each in shop.events(restoring) if isinstance(each, e.RestorationAttemptFailed)]
    assert failed.reason is FailureReason.TIMED_OUT
    assert shop.value("predictions_ended_total", model=FIRST, outcome="timed_out") == 1
    assert shop.value("predictions_ended_total", model=FIRST, outcome="canceled") == 0


def test_a_result_that_comes_after_the_lease_is_counted_as_lost(shop: CountedShop) -> None:
    shop.pay(shop.upload(LARGE))
    late = claim_next(shop, MoveImages)
    shop.clock.advance(seconds=shop.policy.work.lease.total_seconds() + 1)
    again = shop.reaction_runner.claim(late[0].reaction_id)
    assert again is not None, "another worker has it"
    shop.reaction_runner.perform(*again)
    with shop.counts("leases_lost_total", 1), pytest.raises(LeaseLostError):
        shop.reaction_runner.perform(*late)
    outcomes = {"kind": "MoveImages", "outcome": "lease_lost"}
    assert shop.value("reaction_duration_seconds_count", **outcomes) == 1
    assert attempts_of(shop, MoveImages) == (1, 2), "the second attempt finished it"


@pytest.mark.parametrize(("conflicts", "is_recorded"), [(2, True), (MAX_DECISIONS, False)])
def test_each_conflict_of_a_commit_is_counted(
    shop: CountedShop, monkeypatch: pytest.MonkeyPatch, conflicts: int, *, is_recorded: bool
) -> None:
    order_id = shop.pay(shop.upload(LARGE))
    append, left = InMemoryEventStore.append, [None] * conflicts

    def conflicting(event_store: InMemoryEventStore, commit: Commit) -> None:
        if left:
            left.pop()
            raise VersionConflictError(commit.before.order_id, commit.before.version)
        append(event_store, commit)

    monkeypatch.setattr(InMemoryEventStore, "append", conflicting)
    cause = Cause(name="test", key="test", actor="person:ada", correlation_id=order_id)
    held = e.OrderHeld(reason=HoldReason.REQUESTED)
    with (
        shop.counts("commit_conflicts_total", conflicts),
        shop.counts("events_total", int(is_recorded), event="OrderHeld"),
    ):
        if is_recorded:
            shop.command_handler.handle(order_id, [held], cause)
        else:
            with pytest.raises(VersionConflictError):
                shop.command_handler.handle(order_id, [held], cause)


def overrun(shop: CountedShop, kind: type[Reaction]) -> None:
    """Claim a reaction and exceed its time limit."""
    claim, order = claim_next(shop, kind)
    shop.clock.advance(seconds=spec_of(claim.reaction).retry(shop.policy).time_limit.total_seconds())
    assert shop.reaction_runner.renew([(claim, order)]) == [claim]


def test_a_call_beyond_its_time_limit_is_counted_and_finishes_its_reaction_with_the_last_attempt(
    shop: CountedShop,
) -> None:
    shop.pay(shop.upload(LARGE))
    last = spec_of(MoveImages()).retry(shop.policy).attempts
    for attempt in range(1, last + 1):
        assert attempts_of(shop, MoveImages) == (0, 0)
        with shop.counts("call_overruns_total", 1, kind="MoveImages"):
            overrun(shop, MoveImages)
        if attempt < last:
            shop.clock.advance(hours=2)
            shop.reaction_runner.resend_due()
    assert attempts_of(shop, MoveImages) == (1, last)


def test_a_mail_whose_call_exceeds_its_time_limit_is_finished(shop: CountedShop) -> None:
    shop.pay(shop.upload(LARGE))
    overrun(shop, SendEmail)
    assert shop.value("call_overruns_total", kind="SendEmail") == 1
    assert attempts_of(shop, SendEmail) == (1, 1)


def test_a_call_that_ended_in_time_for_the_lease_is_no_overrun(shop: CountedShop) -> None:
    shop.pay(shop.upload(LARGE))
    claimed = claim_next(shop, MoveImages)
    shop.reaction_runner.perform(*claimed)
    shop.clock.advance(hours=3)
    assert shop.reaction_runner.renew([claimed]) == []
    assert shop.value("call_overruns_total", kind="MoveImages") == 0


def test_attempts_are_counted_when_the_reaction_is_finished(shop: CountedShop) -> None:
    for _ in range(2):
        shop.storage.fault_injector.fail("copy", OFF)
    order_id = shop.pay(shop.upload(LARGE))
    shop.work()
    assert attempts_of(shop, MoveImages) == (0, 0)
    shop.live(order_id)
    assert attempts_of(shop, MoveImages) == (1, 3)
    assert attempts_of(shop, CollectRestoration) == (1, 1), "polls of a running prediction are no attempts"


def test_a_reaction_that_its_order_still_requires_is_not_finished(
    shop: CountedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OriginalsCopier, "move_images", lambda *_: [])
    order_id = shop.pay(shop.upload(LARGE))
    shop.work()
    assert attempts_of(shop, MoveImages) == (0, 0)
    again = {"kind": "MoveImages", "outcome": "again"}
    assert shop.value("reaction_duration_seconds_count", **again) == 1
    shop.live(order_id, hours=24)
    last = spec_of(MoveImages()).retry(shop.policy).attempts
    assert attempts_of(shop, MoveImages) == (1, last)
    assert shop.value("reaction_duration_seconds_count", **again) == last - 1
    given_up = {"kind": "MoveImages", "outcome": "given_up"}
    assert shop.value("reaction_duration_seconds_count", **given_up) == 1


def test_the_connections_of_a_pool_are_asked_at_each_scrape() -> None:
    shop, in_use = CountedShop(), [3]
    shop.recorder.watch_pool(24, lambda: in_use[0])
    assert (shop.value("database_pool_size"), shop.value("database_pool_in_use")) == (24, 3)
    in_use[0] = 5
    assert shop.value("database_pool_in_use") == 5


def test_calls_that_fail_are_counted_by_their_error() -> None:
    shop = CountedShop()
    labels = {"provider": "stripe", "call": "refund"}
    for error in (None, OFF, OFF, TimeoutError()):
        shop.recorder.call_ended("stripe", "refund", 0.5, error)
    counted = [
        shop.value("provider_call_errors_total", **labels, error=each)
        for each in ("UnavailableError", "TimeoutError", "NoneType")
    ]
    assert counted == [2, 1, 0]
    assert shop.value("provider_call_duration_seconds_count", **labels) == 4
