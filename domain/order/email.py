"""An e-mail of an order, and its status."""

from dataclasses import dataclass
from enum import StrEnum

from domain.order.values import EmailId, EmailKind, OptOut, RefundId


class EmailStatus(StrEnum):
    """The status of an e-mail."""

    DUE = "due"
    UNCONFIRMED = "unconfirmed"  # the provider's reply was lost
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"  # it was accepted and not delivered
    REPLACED = "replaced"  # it bounced or was blocked, and another one replaced it


@dataclass(frozen=True, kw_only=True)
class Email:
    """An e-mail that is owed to the customer.

    ``attempt`` counts the requests that may have reached the provider.
    """

    email_id: EmailId
    kind: EmailKind
    status: EmailStatus = EmailStatus.DUE
    attempt: int = 1
    message_id: str | None = None
    refund_id: RefundId | None = None  # the refund that it reports
    blocked_before: int = 0  # how many blocked e-mails it replaces, directly or indirectly
    is_deferred: bool = False  # the receiving server has deferred it at least once
    opt_out: OptOut | None = None
