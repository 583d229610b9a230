"""The lifecycle of an order: one table, fed to one shared ``transitions`` machine.

What an order may do next, the diagram in ``docs/lifecycle.md`` and the sentence of an illegal move all come from
this table. A hold and a dispute run beside the state: they change what work is done, not the state.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import cast

from transitions import Machine

from domain.order import conditions as when
from domain.order import events
from domain.order.errors import IllegalMoveError
from domain.order.order import Order
from domain.order.states import DELIVERABLE_STATES, DELIVERED_STATES, REFUND_STATES, WORKING_STATES, State

#: Asked of the order that knows the event's facts already.
Condition = Callable[[Order], bool]


@dataclass(frozen=True)
class Move:
    """A row of the table: on ``event`` an order goes from ``source`` to ``target`` when ``condition`` holds.

    Rows are tried from the top; one without a condition always holds.
    """

    event: type[events.Event]
    source: State
    target: State
    condition: Condition | None = None


_LIVING = (*WORKING_STATES, *DELIVERED_STATES, *REFUND_STATES)
#: Where money may be on its way back.
_OWING = (*WORKING_STATES, State.DELIVERED, State.REFUNDING)
_EVER_PAID = (*_LIVING, State.ERASED)


def _stays(event: type[events.Event], states: Iterable[State]) -> list[Move]:
    return [Move(event, state, state) for state in states]


def _goes(
    event: type[events.Event], sources: Iterable[State], target: State, condition: Condition
) -> list[Move]:
    return [Move(event, source, target, condition) for source in sources]


def _owes_again(event: type[events.Event]) -> list[Move]:
    """Money is owed that is not back yet, so an order that was over is so no more."""
    return [
        Move(event, State.COMPLETED, State.DELIVERED),
        Move(event, State.REFUNDED, State.REFUNDING),
        *_stays(event, [*_OWING, State.ERASED]),
    ]


def _ends_in_refund(event: type[events.Event]) -> list[Move]:
    """All is back; what is on its way back already ends so whatever each refund was for."""
    return [
        *_goes(event, (*WORKING_STATES, *DELIVERED_STATES), State.REFUNDED, when.everything_is_refunded),
        Move(event, State.REFUNDING, State.REFUNDED, when.is_fully_refunded),
    ]


MOVES: tuple[Move, ...] = (
    # The way of an order, as it goes when all goes well.
    Move(events.PaymentReceived, State.NEW, State.PAID),
    Move(events.ImagesMoved, State.PAID, State.RESTORING),
    Move(events.RestorationFailed, State.PAID, State.REFUNDED, when.nothing_can_follow),
    Move(events.RestorationFailed, State.PAID, State.SETTLED, when.every_image_is_settled),
    *_stays(events.RestorationFailed, [State.PAID]),
    *_stays(events.RestorationStarted, [State.RESTORING]),
    *_stays(events.RestorationAttemptFailed, [State.RESTORING]),
    # A result was lost before it could be packed.
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
    *_stays(events.EmailSent, _LIVING),
    *_stays(events.EmailUnconfirmed, _LIVING),
    *_stays(events.EmailFailed, _LIVING),
    Move(events.EmailBounced, State.DELIVERED, State.READY, when.result_is_undelivered),
    Move(events.EmailBounced, State.COMPLETED, State.READY, when.result_is_undelivered),
    *_stays(events.EmailBounced, _LIVING),
    *_stays(events.EmailDeferred, _LIVING),
    Move(events.EmailBlocked, State.DELIVERED, State.READY, when.result_is_undelivered),
    Move(events.EmailBlocked, State.COMPLETED, State.READY, when.result_is_undelivered),
    *_stays(events.EmailBlocked, _LIVING),
    *_stays(events.EmailOptedOut, _LIVING),
    Move(events.ResultDownloaded, State.READY, State.DELIVERED, when.money_is_owed),
    Move(events.ResultDownloaded, State.READY, State.COMPLETED),
    *_stays(events.ResultDownloaded, [*DELIVERED_STATES, *REFUND_STATES]),
    *_stays(events.ResultServed, [*DELIVERABLE_STATES, *REFUND_STATES]),
    # What is asked for later: another attempt at an image, another mail, another link.
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
    # Money, in whatever order reality brings it.
    *_goes(
        events.RefundRequested,
        (*WORKING_STATES, *DELIVERED_STATES),
        State.REFUNDING,
        when.is_full_refund_pending,
    ),
    *_owes_again(events.RefundRequested),
    *_stays(events.RefundAccepted, _EVER_PAID),
    *_ends_in_refund(events.RefundIssued),
    Move(events.RefundIssued, State.DELIVERED, State.COMPLETED, when.nothing_is_owed),
    *_stays(events.RefundIssued, _EVER_PAID),
    *_owes_again(events.RefundFailed),
    Move(events.RefundDropped, State.REFUNDING, State.REFUNDED, when.is_fully_refunded),
    Move(events.RefundDropped, State.DELIVERED, State.COMPLETED, when.nothing_is_owed),
    *_stays(events.RefundDropped, [*_OWING, State.REFUNDED, State.ERASED]),
    *_stays(events.DisputeOpened, _EVER_PAID),
    *_ends_in_refund(events.DisputeClosed),
    *_goes(events.DisputeClosed, _OWING, State.REFUNDING, when.is_full_refund_pending),
    Move(events.DisputeClosed, State.REFUNDED, State.COMPLETED, when.is_complete_after_all),
    *_stays(events.DisputeClosed, _EVER_PAID),
    *_stays(events.PointsCredited, _EVER_PAID),
    *_stays(events.PointsDebited, _EVER_PAID),
    # A person's word.
    *_stays(events.OrderHeld, _EVER_PAID),
    *_stays(events.OrderReleased, _EVER_PAID),
    *_stays(events.NoteAdded, _LIVING),
    # The end of what is kept.
    *_stays(events.PhotosPurged, [State.COMPLETED, State.REFUNDED]),
    Move(events.OrderErased, State.COMPLETED, State.ERASED),
    Move(events.OrderErased, State.REFUNDED, State.ERASED),
)

#: Moves that only logs of older versions make: those took a scanner's request for the customer's, so an order whose
#: mail had come back was complete, and its photos went when their time was over. No new event is decided by these.
FORMER_MOVES: tuple[Move, ...] = (
    Move(events.RedoRequested, State.READY, State.READY),
    Move(events.PhotosPurged, State.READY, State.COMPLETED),
    Move(events.OrderErased, State.READY, State.ERASED),
)


@cache
def machine() -> Machine:
    """The one shared machine; no order is ever registered with it, it is only asked."""
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
    """The machine's transitions by event and source, asked once: a trigger costs fifty times a look-up."""
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
    """The state after ``event``; the same one if the table has no row for it.

    ``informed`` is the order that knows the event's facts already: the conditions are asked of it.
    """
    for target, condition in _table()[type(event), state]:
        if condition is None or condition(informed):
            return target
    former = (move.target for move in FORMER_MOVES if (move.event, move.source) == (type(event), state))
    return next(former, state)


def allowed(state: State) -> frozenset[type[events.Event]]:
    """The events that may come in ``state``."""
    return frozenset(event for event in events.EVENT_TYPES if _table()[event, state])


def may_be_on_record(state: State, event: type[events.Event]) -> bool:
    """Whether a log may hold ``event`` in ``state``: what is allowed, and what older versions allowed."""
    return event in allowed(state) or any(
        (move.event, move.source) == (event, state) for move in FORMER_MOVES
    )


def require(state: State, event: type[events.Event]) -> None:
    """Raise IllegalMoveError, naming what would be allowed, unless ``event`` may come in ``state``."""
    if not _table()[event, state]:
        raise IllegalMoveError(
            event=event.__name__, state=state.value, allowed=sorted(kind.__name__ for kind in allowed(state))
        )
