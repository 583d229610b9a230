"""The states of an order, and the groups that rules share."""

from enum import StrEnum


class State(StrEnum):
    """The progress of an order."""

    NEW = "new"  # nothing is paid yet; the order does not exist
    PAID = "paid"  # the photos are being copied under the order's prefix
    RESTORING = "restoring"  # predictions for the images are required or running
    SETTLED = "settled"  # every image is restored or has failed permanently
    READY = "ready"  # the archive and its link exist
    DELIVERED = "delivered"  # the link was sent or used; the share of failed images is still owed
    COMPLETED = "completed"  # every paid photo is delivered or refunded
    REFUNDING = "refunding"  # work has stopped; the full payment is being refunded
    REFUNDED = "refunded"  # the full payment was refunded
    ERASED = "erased"  # the customer's data is deleted; amounts stay


WORKING_STATES = (State.PAID, State.RESTORING, State.SETTLED, State.READY)
DELIVERED_STATES = (State.DELIVERED, State.COMPLETED)
#: States in which the customer has the results, or is about to receive them.
DELIVERABLE_STATES = (State.READY, *DELIVERED_STATES)
#: States in which a stored result may be found lost: while it, or another one of its order, is being packed.
MAY_LOSE_RESULTS = frozenset({State.RESTORING, State.SETTLED, *DELIVERABLE_STATES})
#: States in which the full payment is being refunded, or was.
REFUND_STATES = (State.REFUNDING, State.REFUNDED)
TERMINAL = frozenset({State.COMPLETED, State.REFUNDED, State.ERASED})
