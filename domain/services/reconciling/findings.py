"""What a comparison finds, and the report of it all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.model.values import OrderId


class Side(StrEnum):
    """Whose books are compared with the log."""

    STRIPE = "stripe"
    LOG = "log"
    STORAGE = "storage"
    REPLICATE = "replicate"
    SENDGRID = "sendgrid"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that does not agree; ``what`` is its name for programs and never changes."""

    side: Side
    what: str
    subject: str  # the id of what it is about: an order, an event, a key...
    order_id: OrderId | None = None
    since: datetime | None = None
    wrong: str  # a sentence
    advice: str  # a sentence
    is_healed: bool = False


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a comparison came to.

    ``closed`` are the sides that show nothing to this account, ``cut_off`` those that were away before all was
    compared, each with a sentence; findings from before that are in ``findings`` all the same.
    """

    since: datetime
    until: datetime
    findings: tuple[Finding, ...]
    closed: Mapping[Side, str]
    cut_off: Mapping[Side, str]

    @property
    def remaining(self) -> tuple[Finding, ...]:
        """What is wrong now."""
        return tuple(finding for finding in self.findings if not finding.is_healed)

    @property
    def agrees(self) -> bool:
        """Whether all that this account may compare was compared to its end, and nothing is wrong."""
        return not self.remaining and not self.cut_off
