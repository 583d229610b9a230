"""The recoveries of the shop, by the events that show them."""

from collections.abc import Iterator, Mapping
from typing import Any

from domain.order import events as e

#: Events that occur only where something failed or was changed.
_BY_EVENT: dict[type[e.Event], str] = {
    e.RestorationFailed: "a photo was given up",
    e.RedoFailed: "a redo was given up",
    e.SmallResultStored: "a small result went on to be enlarged",
    e.EmailUnconfirmed: "a mail whose reply was lost was flagged",
    e.EmailFailed: "a mail was given up",
    e.EmailBounced: "a mail came back",
    e.EmailBlocked: "a mail was blocked and sent anew",
    e.EmailDeferred: "a mail was put off",
    e.EmailOptedOut: "a customer wanted no more mail",
    e.RefundFailed: "a refund failed and was owed again",
    e.RefundDropped: "a refund that was paid elsewhere was dropped",
    e.OrderReleased: "a person let an order go on",
    e.DownloadLinkIssued: "a link was issued anew",
    e.DisputeOpened: "a bank took money for the time being",
    e.DisputeClosed: "a bank decided",
    e.OrderErased: "a customer was forgotten",
}


def recoveries_in(event: e.Event, facts: Mapping[str, Any]) -> Iterator[str]:
    """List the recoveries that an event shows.

    ``facts`` are those of the task that recorded it.
    """
    if type(event) in _BY_EVENT:
        yield _BY_EVENT[type(event)]
    match event:
        case e.RestorationFailed(reason=reason) if reason.is_lost_file:
            yield f"a photo was lost by the storage: {reason}"
        case e.OrderHeld(reason=reason):
            yield f"an order was held: {reason}"
        case e.RestorationAttemptFailed(reason=reason):
            yield f"an attempt failed: {reason}"
        case e.RefundIssued() if (
            "find_refund" in facts.get("calls", ()) and "issue_refund" not in facts["calls"]
        ):
            yield "a refund was found instead of paid again"
        case e.PointsDebited(reason=reason) | e.PointsCredited(reason=reason):
            yield f"points were moved: {reason}"
        case _:
            pass
