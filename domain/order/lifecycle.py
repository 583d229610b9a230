"""The lifecycle of an order: one table for a ``transitions`` machine.

The events that are allowed next, the diagram in ``docs/lifecycle.md`` and the message of an illegal move all come from
this table. A hold and a dispute run beside the state: they change which reactions are required, not the state.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import cast, get_args

from transitions import Machine

from domain.order import conditions as when
from domain.order import events
from domain.order.errors import IllegalMoveError
from domain.order.order import Order
from domain.order.states import DELIVERABLE_STATES, DELIVERED_STATES, REFUND_STATES, WORKING_STATES, State

#: Evaluated on the order to which the event has been applied.
Condition = Callable[[Order], bool]


@dataclass(frozen=True)
class Move:
    """A row: ``event`` moves an order from ``source`` to ``target``.

    Rows are tried from the top; the first whose ``condition`` holds is taken. A row without one always holds.
    """

    event: type[events.Event]
    source: State
    target: State
    condition: Condition | None = None


_LIVING = (*WORKING_STATES, *DELIVERED_STATES, *REFUND_STATES)
#: States in which a refund may be pending.
_OWING = (*WORKING_STATES, State.DELIVERED, State.REFUNDING)
_EVER_PAID = (*_LIVING, State.ERASED)


def _stays(event: type[events.Event], states: Iterable[State]) -> list[Move]:
    return [Move(event, state, state) for state in states]


def _all_stay(group: UnionType, states: Iterable[State]) -> list[Move]:
    """Allow every event of a group; moves of single events come before."""
    return [Move(event, state, state) for event in get_args(group) for state in states]


def _moves_if(
    event: type[events.Event], sources: Iterable[State], target: State, condition: Condition
) -> list[Move]:
    return [Move(event, source, target, condition) for source in sources]


def _reopens(event: type[events.Event]) -> list[Move]:
    """Reopen an ended order: an amount is owed again."""
    return [
        Move(event, State.COMPLETED, State.DELIVERED),
        Move(event, State.REFUNDED, State.REFUNDING),
        *_stays(event, [*_OWING, State.ERASED]),
    ]


def _ends_in_refund(event: type[events.Event]) -> list[Move]:
    """End in a refund once everything is refunded.

    Where a full refund was pending already, the reasons of the single refunds do not matter.
    """
    return [
        *_moves_if(event, (*WORKING_STATES, *DELIVERED_STATES), State.REFUNDED, when.everything_is_refunded),
        Move(event, State.REFUNDING, State.REFUNDED, when.is_fully_refunded),
    ]


MOVES: tuple[Move, ...] = (
    # The usual path of an order.
    Move(events.PaymentReceived, State.NEW, State.PAID),
    Move(events.ImagesMoved, State.PAID, State.RESTORING),
    # A photo without a share of the payment may fail after everything is refunded.
    *_moves_if(
        events.RestorationFailed, (State.PAID, State.RESTORING), State.REFUNDED, when.everything_is_refunded
    ),
    *_moves_if(
        events.RestorationFailed, (State.PAID, State.RESTORING), State.REFUNDING, when.is_full_refund_pending
    ),
    Move(events.RestorationFailed, State.PAID, State.REFUNDED, when.nothing_can_follow),
    Move(events.RestorationFailed, State.PAID, State.SETTLED, when.every_image_is_settled),
    *_stays(events.RestorationFailed, [State.PAID]),
    *_stays(events.RestorationStarted, [State.RESTORING]),
    *_stays(events.RestorationAttemptFailed, [State.RESTORING]),
    # A result was lost before it was packed.
    Move(events.RestorationAttemptFailed, State.SETTLED, State.RESTORING),
    *_stays(events.SmallResultStored, [State.RESTORING]),
    Move(events.RestorationCompleted, State.RESTORING, State.SETTLED, when.every_image_is_settled),
    *_stays(events.RestorationCompleted, [State.RESTORING]),
    Move(events.RestorationFailed, State.RESTORING, State.REFUNDED, when.nothing_can_follow),
    Move(events.RestorationFailed, State.RESTORING, State.SETTLED, when.every_image_is_settled),
    *_stays(events.RestorationFailed, [State.RESTORING]),
    Move(events.DownloadPrepared, State.SETTLED, State.READY),
    Move(events.EmailSent, State.READY, State.DELIVERED, when.result_is_sent_and_money_is_owed),
    Move(events.EmailSent, State.READY, State.COMPLETED, when.result_is_sent),
    Move(events.EmailBounced, State.DELIVERED, State.READY, when.result_is_undelivered),
    Move(events.EmailBounced, State.COMPLETED, State.READY, when.result_is_undelivered),
    *_all_stay(events.EmailOutcome, _LIVING),
    Move(events.EmailBlocked, State.DELIVERED, State.READY, when.result_is_undelivered),
    Move(events.EmailBlocked, State.COMPLETED, State.READY, when.result_is_undelivered),
    *_all_stay(events.EmailFeedback, _LIVING),
    Move(events.ResultDownloaded, State.READY, State.DELIVERED, when.money_is_owed),
    Move(events.ResultDownloaded, State.READY, State.COMPLETED),
    *_stays(events.ResultDownloaded, [*DELIVERED_STATES, *REFUND_STATES]),
    *_stays(events.ResultServed, [*DELIVERABLE_STATES, *REFUND_STATES]),
    # Requested after delivery: another attempt at an image, another e-mail, another link.
    *_stays(events.RedoRequested, DELIVERED_STATES),
    *_stays(events.RestorationStarted, DELIVERABLE_STATES),
    *_stays(events.RestorationAttemptFailed, DELIVERABLE_STATES),
    *_stays(events.SmallResultStored, DELIVERABLE_STATES),
    *_stays(events.RestorationCompleted, DELIVERABLE_STATES),
    *_stays(events.RedoFailed, DELIVERABLE_STATES),
    *_stays(events.DownloadPrepared, DELIVERABLE_STATES),
    *_stays(events.EmailRequested, _LIVING),
    *_stays(events.DownloadLinkIssued, DELIVERABLE_STATES),
    *_stays(events.DownloadLinkRevoked, [*DELIVERABLE_STATES, *REFUND_STATES]),
    # Money: provider events may arrive in any order.
    *_moves_if(
        events.RefundRequested,
        (*WORKING_STATES, *DELIVERED_STATES),
        State.REFUNDING,
        when.is_full_refund_pending,
    ),
    *_reopens(events.RefundRequested),
    *_stays(events.RefundAccepted, _EVER_PAID),
    *_ends_in_refund(events.RefundIssued),
    Move(events.RefundIssued, State.DELIVERED, State.COMPLETED, when.nothing_is_owed),
    *_stays(events.RefundIssued, _EVER_PAID),
    *_reopens(events.RefundFailed),
    Move(events.RefundDropped, State.REFUNDING, State.REFUNDED, when.is_fully_refunded),
    Move(events.RefundDropped, State.DELIVERED, State.COMPLETED, when.nothing_is_owed),
    *_stays(events.RefundDropped, [*_OWING, State.REFUNDED, State.ERASED]),
    *_stays(events.DisputeOpened, _EVER_PAID),
    *_ends_in_refund(events.DisputeClosed),
    *_moves_if(events.DisputeClosed, _OWING, State.REFUNDING, when.is_full_refund_pending),
    Move(events.DisputeClosed, State.REFUNDED, State.COMPLETED, when.is_complete_after_all),
    *_stays(events.DisputeClosed, _EVER_PAID),
    *_all_stay(events.PointsEvent, _EVER_PAID),
    # Staff actions.
    *_stays(events.OrderHeld, _EVER_PAID),
    *_stays(events.OrderReleased, _EVER_PAID),
    *_stays(events.NoteAdded, _LIVING),
    # End of retention and erasure.
    *_stays(events.PhotosPurged, [State.COMPLETED, State.REFUNDED]),
    Move(events.OrderErased, State.COMPLETED, State.ERASED),
    Move(events.OrderErased, State.REFUNDED, State.ERASED),
)

#: Moves that occur only in logs of older versions. Those took a mail scanner's request for the customer's, so an order
#: whose e-mail had bounced was completed, and its photos were purged after retention. ``decide`` never uses them.
FORMER_MOVES: tuple[Move, ...] = (
    Move(events.RedoRequested, State.READY, State.READY),
    Move(events.PhotosPurged, State.READY, State.COMPLETED),
    Move(events.OrderErased, State.READY, State.ERASED),
)
_FORMER_TARGETS = {(move.event, move.source): move.target for move in FORMER_MOVES}


@cache
def machine() -> Machine:
    """The shared machine; orders are not registered with it, only looked up."""
    shared = Machine(
        model=None, states=[state.value for state in State], initial=State.NEW.value, auto_transitions=False
    )
    for move in MOVES:
        shared.add_transition(
            move.event.__name__, move.source.value, move.target.value, conditions=move.condition
        )
    return shared


@cache
def _table() -> Mapping[tuple[type[events.Event], State], tuple[tuple[State, Condition | None], ...]]:
    """The machine's transitions by event and source, cached.

    Triggering the machine costs fifty times a look-up.
    """
    return {
        (event, state): tuple(
            (
                State(str(found.dest)),
                cast("Condition", found.conditions[0].func) if found.conditions else None,
            )
            for found in machine().get_transitions(event.__name__, state.value)
        )
        for event in events.EVENT_TYPES
        for state in State
    }


def next_state(state: State, event: events.Event, informed: Order) -> State:
    """The state after ``event``; unchanged if no row matches.

    ``informed`` is the order to which the event has been applied; conditions are evaluated on it.
    """
    for target, condition in _table()[type(event), state]:
        if condition is None or condition(informed):
            return target
    return _FORMER_TARGETS.get((type(event), state), state)


@cache
def allowed(state: State) -> frozenset[type[events.Event]]:
    """The events that are allowed in ``state``."""
    return frozenset(event for event in events.EVENT_TYPES if _table()[event, state])


def may_be_on_record(state: State, event: type[events.Event]) -> bool:
    """Whether a stored log may contain ``event`` in ``state``.

    That is what is allowed now and what older versions allowed.
    """
    return event in allowed(state) or (event, state) in _FORMER_TARGETS


def require(state: State, event: type[events.Event]) -> None:
    """Raise IllegalMoveError unless ``event`` is allowed in ``state``.

    The error names the allowed events.
    """
    if not _table()[event, state]:
        raise IllegalMoveError(
            event=event.__name__, state=state.value, allowed=sorted(kind.__name__ for kind in allowed(state))
        )
