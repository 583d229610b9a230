"""The states of an order, and the groups of them that rules share."""

from enum import StrEnum


class State(StrEnum):
    """How far an order has come."""

    NEW = "new"  # nothing is paid yet: there is no order
    PAID = "paid"  # the photos are on their way to the order's own keys
    RESTORING = "restoring"  # the images are at the restorer
    SETTLED = "settled"  # every image is restored or has failed for good
    READY = "ready"  # the archive lies ready, its link exists
    DELIVERED = "delivered"  # the link was sent or used, money for failed images is still owed
    COMPLETED = "completed"  # every paid photo is delivered or refunded
    REFUNDING = "refunding"  # all work has stopped, everything that was paid is on its way back
    REFUNDED = "refunded"  # everything that was paid went back
    ERASED = "erased"  # the customer is forgotten, the figures stay


WORKING_STATES = (State.PAID, State.RESTORING, State.SETTLED, State.READY)
DELIVERED_STATES = (State.DELIVERED, State.COMPLETED)
#: The customer has the results, or is about to.
DELIVERABLE_STATES = (State.READY, *DELIVERED_STATES)
#: A stored result may turn out to be lost: it is to be packed, or another one of its order is.
MAY_LOSE_RESULTS = frozenset({State.RESTORING, State.SETTLED, *DELIVERABLE_STATES})
#: Everything that was paid is being refunded, or was.
REFUND_STATES = (State.REFUNDING, State.REFUNDED)
TERMINAL = frozenset({State.COMPLETED, State.REFUNDED, State.ERASED})
