"""What the verification of the log can find."""

from dataclasses import dataclass
from enum import StrEnum

from domain.order.values import OrderId


class DefectKind(StrEnum):
    """What can be wrong with the log."""

    CONTENTS_CHANGED = "contents_changed"
    PREDECESSOR_CHANGED = "predecessor_changed"
    MISSING = "missing"
    REPEATED = "repeated"
    UNREADABLE = "unreadable"
    UNDECODABLE = "undecodable"
    # The others show against a kept head only.
    REMOVED = "removed"
    FORGED = "forged"
    ADDED = "added"
    DIFFERENT = "different"


@dataclass(frozen=True, kw_only=True)
class LogDefect:
    """A defect, and its place: an order's versions, or the log."""

    defect: DefectKind
    order_id: OrderId | None = None
    version: int | None = None
    last_version: int | None = None
