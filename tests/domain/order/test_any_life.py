"""Any sequence of legal and illegal events, with laws after each."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from adapters.postgres.order_snapshots import decoded, encoded
from adapters.postgres.read_models import Rows, rows_of
from domain.order import events as e
from domain.order.decide import decide
from domain.order.errors import ShopError
from domain.order.evolve import apply, continue_fold, fold
from domain.order.ledger import RefundStatus
from domain.order.lifecycle import allowed
from domain.order.order import Order
from domain.order.reactions import (
    CancelPrediction,
    CollectRestoration,
    DeletePhotos,
    IssueRefund,
    MoveImages,
    PrepareDownload,
    Reaction,
    RestoreImage,
    SendEmail,
    pending_reactions,
    required_reactions,
)
from domain.order.states import TERMINAL, State
from domain.order.values import EmailKind, FailureReason
from tests.domain.support.event_builders import ORDER_ID, Facts
from tests.domain.support.event_strategies import any_fact
from tests.domain.support.given_when_then import LIMITS
from tests.domain.support.recording import recorded
from tests.domain.support.valid_event_strategies import CHAPTERS, Chapter
from tests.doubles.read_models import with_changes
from tests.laws import LAWS, violations
from tests.laws.snapshot import OrderStream, Snapshot

STEPS = 30
#: The other laws need more than the model; law 13 is checked on streams in ``test_timeline_claims.py``.
MODEL_LAWS = [law for law in LAWS if law.number in {1, 2, 4, 5, 7, 9, 10, 11}]
HEAD_STARTS: tuple[Callable[[Facts], Sequence[e.Event]], ...] = (
    lambda _: (),
    lambda facts: (facts.paid(),),
    Facts.until_restoring,
    lambda facts: (*facts.until_restoring(), facts.refund_requested(facts.price)),
    Facts.until_settled,
    Facts.until_ready,
    Facts.until_delivered,
    Facts.until_completed,
    lambda facts: (*facts.until_completed(), facts.redo(0), facts.started(0, 2)),
    lambda facts: (*facts.until_delivered(), facts.redo(0), facts.bounced(EmailKind.PARTIAL_RESULT)),
    Facts.until_refunded,
)


class AnyLife(RuleBasedStateMachine):
    """An order under arbitrary events.

    What was seen of it at each version is kept beside its stream.
    """

    facts = Facts()

    def __init__(self) -> None:
        super().__init__()
        self.order = Order(order_id=ORDER_ID)
        self.judged = self.order
        self.stream: list[e.RecordedEvent] = []
        self.rows: Rows = rows_of(self.order)
        self.seen: list[tuple[str, Rows]] = [(repr(self.order), self.rows)]

    @initialize(
        photos=st.integers(min_value=1, max_value=3),
        price=st.sampled_from([0, 1, 490]),
        head_start=st.sampled_from(HEAD_STARTS),
    )
    def begin(self, photos: int, price: int, head_start: Callable[[Facts], Sequence[e.Event]]) -> None:
        """Start part of the way through an order.

        Most orders would otherwise end early.
        """
        self.facts = Facts(photos=photos, price=price)
        for happened in head_start(self.facts):
            self._say(happened)

    @rule(data=st.data())
    def say_what_is_allowed(self, data: st.DataObject) -> None:
        kinds = sorted(allowed(self.order.state), key=lambda kind: kind.__name__)
        self._say(data.draw(st.sampled_from(kinds).flatmap(self._any_fact)))

    @rule(data=st.data())
    def say_what_is_not_allowed(self, data: st.DataObject) -> None:
        kinds = sorted(set(e.EVENT_TYPES) - allowed(self.order.state), key=lambda kind: kind.__name__)
        assert self._say(data.draw(st.sampled_from(kinds).flatmap(self._any_fact))) == ()

    @precondition(lambda self: self.stream)
    @rule(data=st.data(), chapter=st.sampled_from(CHAPTERS))
    def say_what_fits(self, data: st.DataObject, chapter: Chapter) -> None:
        fitting = [
            fact for fact in chapter(self.facts, self.order) if type(fact) in allowed(self.order.state)
        ]
        if fitting:
            self._say(data.draw(st.sampled_from(fitting)))

    @precondition(lambda self: bool(pending_reactions(self.order)))
    @rule(data=st.data(), pieces=st.integers(min_value=1, max_value=4))
    def work(self, data: st.DataObject, pieces: int) -> None:
        """Perform pending reactions, with success or failure."""
        for _ in range(pieces):
            outcomes = [
                outcome
                for reaction in pending_reactions(self.order)
                for outcome in outcomes_of(reaction, self.facts, self.order)
            ]
            if outcomes:
                self._say(data.draw(st.sampled_from(outcomes)))

    @precondition(lambda self: self.stream)
    @rule(data=st.data())
    def say_again_what_is_on_record(self, data: st.DataObject) -> None:
        self._say(data.draw(st.sampled_from([line.event for line in self.stream])))

    @invariant()
    def the_laws_hold(self) -> None:
        stream = OrderStream(events=self.stream, earlier=self.judged)
        snapshot = Snapshot(streams={ORDER_ID: stream}, read_models=self.rows, loaded={ORDER_ID: self.order})
        assert list(violations(snapshot, MODEL_LAWS)) == []
        self.judged = stream.order

    @invariant()
    def work_that_goes_well_is_news(self) -> None:
        """Pending reactions make progress: none would be repeated without effect."""
        for reaction in required_reactions(self.order):
            well = outcomes_of(reaction, self.facts, self.order)[0]
            assert decide(self.order, well, LIMITS), f"{reaction} is wanted and no news when it is done"

    def teardown(self) -> None:
        """Each prefix of the stream folds to the order and rows seen."""
        order = Order(order_id=ORDER_ID)
        prefixes = [order]
        for line, (shown, rows) in zip(self.stream, self.seen[1:], strict=True):
            assert type(line.event) in allowed(order.state), "an illegal move is on record"
            order = apply(order, line)
            prefixes.append(order)
            assert (repr(order), rows_of(order)) == (shown, rows)
            again = decoded(encoded(order))
            # The texts have the types of all values; members of a set may stand in another order.
            assert (again, sorted(repr(again))) == (order, sorted(shown)), (
                "a snapshot would load another order"
            )
        assert order == self.order == fold(ORDER_ID, self.stream)
        half = prefixes[len(prefixes) // 2]
        assert continue_fold(half, self.stream[half.version :]) == order
        assert [repr(prefix) for prefix in prefixes] == [shown for shown, _ in self.seen], (
            "a fold changed one"
        )

    def _any_fact(self, kind: type[e.Event]) -> st.SearchStrategy[e.Event]:
        return any_fact(kind, self.facts, self.order)

    def _say(self, proposed: e.Event) -> Sequence[e.Event]:
        try:
            decision = decide(self.order, proposed, LIMITS)
        except ShopError:
            assert not self._is_a_fact(proposed), "a fact from outside is refused"
            return ()
        overpaid = self.order.ledger.overpaid
        for line in recorded(self.order, *decision):
            before, self.order = self.order, apply(self.order, line)
            event(f"{type(line.event).__name__} {before.state} -> {self.order.state}")
            self.rows = with_changes(self.rows, before, self.order)
            self.stream.append(line)
            self.seen.append((repr(self.order), self.rows))
        assert self.order.ledger.overpaid <= overpaid or self.order.is_held, "overpaid, and no person knows"
        return decision

    def _is_a_fact(self, proposed: e.Event) -> bool:
        """Whether this is an external fact about an existing payment.

        Such a fact may not be refused.
        """
        return isinstance(proposed, MONEY_FACTS) and self.order.payment is not None


def outcomes_of(reaction: Reaction, facts: Facts, order: Order) -> list[e.Event]:
    """The possible outcomes of a reaction."""
    match reaction:
        case MoveImages():
            return [facts.moved(), facts.held()]
        case RestoreImage(image_id=image_id, attempt=attempt):
            index = facts.images.index(image_id)
            return [
                facts.started(index, attempt),
                facts.attempt_failed(index, attempt, FailureReason.REFUSED_INPUT, None),
            ]
        case CollectRestoration(image_id=image_id, attempt=attempt, prediction_id=prediction):
            index = facts.images.index(image_id)
            failed = [
                facts.attempt_failed(index, attempt, reason, prediction)
                for reason in (FailureReason.TIMED_OUT, FailureReason.CONTENT_FILTER)
            ]
            return [facts.restored(index, attempt, prediction), *failed]
        case PrepareDownload(edition=edition):
            restored = [facts.images.index(image.image_id) for image in order.restored_images]
            sequence = len(order.links) + 1
            return [facts.prepared(*restored, edition=edition, sequence=sequence), facts.held()]
        case SendEmail(email_id=email_id, kind=kind):
            fates = (facts.sent(kind), facts.unconfirmed(kind), facts.email_failed(kind), facts.bounced(kind))
            return [replace(fate, email_id=email_id) for fate in fates]
        case IssueRefund(refund_id=refund_id, attempt=attempt):
            issued = e.RefundIssued(
                refund_id=refund_id,
                amount=order.refunds[refund_id].amount,
                provider_refund_id=f"re_{attempt}",
            )
            return [
                issued,
                e.RefundFailed(
                    refund_id=refund_id,
                    provider_refund_id=issued.provider_refund_id,
                    reason="insufficient_funds",
                ),
            ]
        case CancelPrediction() | DeletePhotos():
            return []


class WorkedLife(AnyLife):
    """An order whose workers keep working: it ends after any disturbance."""

    def teardown(self) -> None:
        super().teardown()
        if self.order.state is State.NEW:
            self._say(self.facts.paid())
        self._let_everything_go_well()
        assert self.order.state in TERMINAL
        # The one debt left is a refund that fails after the erasure: nothing in the table can reopen it.
        assert not self.order.money_is_owed or self.order.state is State.ERASED
        self.the_laws_hold()

    def _let_everything_go_well(self) -> None:
        for dispute_id in self.order.disputes:
            self._say(self.facts.decided(dispute_id=dispute_id))
        for refund in self.order.ledger.having(RefundStatus.PENDING):
            self._say(
                e.RefundIssued(
                    refund_id=refund.refund_id,
                    amount=refund.amount,
                    provider_refund_id=refund.provider_refund_id or "",
                )
            )
        version = -1
        while version != self.order.version:
            version = self.order.version
            self._say(self.facts.released())
            for reaction in pending_reactions(self.order):
                for outcome in outcomes_of(reaction, self.facts, self.order)[:1]:
                    self._say(outcome)


#: Facts about money that occur outside the shop.
MONEY_FACTS = (e.RefundAccepted, e.RefundIssued, e.RefundFailed, e.DisputeOpened, e.DisputeClosed)

LIVES = settings(
    max_examples=settings().max_examples // 2,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestAnyLife = AnyLife.TestCase
TestAnyLife.settings = LIVES
TestWorkedLife = WorkedLife.TestCase
TestWorkedLife.settings = LIVES
