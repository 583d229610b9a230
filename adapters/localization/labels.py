"""English labels of reasons, e-mails and clients, for staff and evidence."""

from collections.abc import Mapping

from domain.order import actors
from domain.order.values import (
    Browser,
    Client,
    Device,
    DisputeOutcome,
    EmailKind,
    FailureReason,
    HoldReason,
    OptOut,
    PointsReason,
)
from domain.ports.dispute_evidence import ObjectState
from domain.use_cases.audit.timeline import TimelineEntry
from domain.use_cases.reconciliation.findings import Side

FAILURES: Mapping[FailureReason, str] = {
    FailureReason.UNREADABLE_INPUT: "the photo itself cannot be read",
    FailureReason.REFUSED_INPUT: "the restorer does not take this picture",
    FailureReason.CONTENT_FILTER: "the model's safety filter stopped it",
    FailureReason.PROVIDER_ERROR: "the restorer broke down on it",
    FailureReason.UNAVAILABLE: "the restorer could not be reached for hours",
    FailureReason.TIMED_OUT: "it had not ended in time",
    FailureReason.CANCELED: "it was cancelled at the restorer",
    FailureReason.BAD_OUTPUT: "what came back was no usable picture",
    FailureReason.WRONG_OUTPUT: "what came back was another picture",
    FailureReason.FILE_MISSING: "its file is missing from the shop's storage",
    FailureReason.FILE_DAMAGED: "its file in the shop's storage is damaged",
    FailureReason.FLAT_OUTPUT: "what came back was a plain area without a picture",
    FailureReason.REPEATED_OUTPUT: "what came back was the same as the result before it",
    FailureReason.RESULT_LOST: "its result is missing from the shop's storage, or damaged",
    FailureReason.WITHDRAWN: "it was taken out of the order",
}

HOLDS: Mapping[HoldReason, str] = {
    HoldReason.AMOUNT_MISMATCH: "what was paid, or the points behind its discount, is not what was quoted",
    HoldReason.IMAGES_UNAVAILABLE: "an uploaded photo is missing or differs from what was sent",
    HoldReason.STORAGE_UNAVAILABLE: "the storage could not be reached for hours",
    HoldReason.DOWNLOAD_NOT_PREPARED: "the archive could not be made",
    HoldReason.EMAIL_NOT_SENT: "the e-mail with the link could not be sent",
    HoldReason.EMAIL_BOUNCED: "the e-mail with the link did not reach its address",
    HoldReason.REFUND_NOT_ISSUED: "money is owed that the payment provider refuses to pay back",
    HoldReason.OVERPAID: "more was paid back for it than was paid",
    HoldReason.OTHER_CURRENCY: "a refund or a dispute is in another currency than the payment",
    HoldReason.REQUESTED: "a staff member asked for it",
}

MAILS: Mapping[EmailKind, str] = {
    EmailKind.CONFIRMATION: "the confirmation e-mail",
    EmailKind.RESULT: "the e-mail with the download link",
    EmailKind.PARTIAL_RESULT: "the e-mail with the download link and the refund",
    EmailKind.REFUND: "the e-mail about the refund",
    EmailKind.FAILURE: "the e-mail that nothing could be restored",
    EmailKind.NEW_LINK: "the e-mail with a new link",
    EmailKind.REMINDER: "the reminder that the link expires",
    EmailKind.REDONE: "the e-mail about another attempt's result",
    EmailKind.REDO_FAILED: "the e-mail that another attempt was no better",
}

OPT_OUTS: Mapping[OptOut, str] = {
    OptOut.SPAM_REPORT: "reported as spam",
    OptOut.UNSUBSCRIBED: "answered by unsubscribing",
    OptOut.GROUP_UNSUBSCRIBED: "answered by unsubscribing from its group",
}

POINTS: Mapping[PointsReason, str] = {
    PointsReason.WELCOME: "a first order, with a friend's referral code",
    PointsReason.REFERRAL: "a friend's first order",
    PointsReason.SPENT: "they became a discount",
    PointsReason.TAKEN_BACK: "the order that had earned them was paid back or failed, at least in part",
    PointsReason.RETURNED: "the order they were spent on was paid back or failed, at least in part",
}

DEVICES: Mapping[Device, str] = {
    Device.DESKTOP: "a desktop computer",
    Device.PHONE: "a phone",
    Device.TABLET: "a tablet",
    Device.SCANNER: "a scanner or bot by its own name",
    Device.PROGRAM: "a program, not a browser",
    Device.UNKNOWN: "a client of unknown kind",
}

BROWSERS: Mapping[Browser, str] = {
    Browser.CHROME: "Chrome",
    Browser.EDGE: "Edge",
    Browser.FIREFOX: "Firefox",
    Browser.SAFARI: "Safari",
    Browser.OPERA: "Opera",
    Browser.SAMSUNG: "Samsung Internet",
}

EXHIBIT_STATES: Mapping[ObjectState, str] = {
    ObjectState.VERIFIED: "verified",
    ObjectState.DIFFERS: "is not what was recorded",
    ObjectState.MISSING: "is missing",
    ObjectState.DELETED: "deleted",
}

#: How a dispute ended.
OUTCOMES: Mapping[DisputeOutcome, str] = {
    DisputeOutcome.PREVENTED: "The dispute was prevented before it became a chargeback: no money was taken.",
    DisputeOutcome.INQUIRY_CLOSED: "The bank closed its inquiry: no money was taken.",
    DisputeOutcome.WON: "The bank decided the dispute for the shop: the money stays.",
    DisputeOutcome.LOST: "The bank decided the dispute for the customer: the money is gone.",
}

#: Who recorded an event; members of the staff are known by their own name.
ACTORS: Mapping[str, str] = {
    actors.PAYMENT_PROVIDER: "Stripe",
    actors.RESTORER: "Replicate",
    actors.MAILER: "SendGrid",
    "worker": "a worker",
    actors.CUSTOMER: "the customer",
    actors.VISITOR: "a visitor",
}

#: The systems that are compared with the log, in the order of a report.
SIDES: Mapping[Side, str] = {
    Side.PAYMENTS: "Stripe",
    Side.LOG: "The log",
    Side.STORAGE: "The storage",
    Side.RESTORER: "Replicate",
    Side.MAILER: "SendGrid",
}


def actor_name(actor: str, entry: TimelineEntry | None = None) -> str:
    """An actor's name, as the readers of an entry may know it."""
    if actor not in ACTORS and entry is not None and not entry.is_for_staff:
        return "a person of the shop"
    return ACTORS.get(actor, actor.removeprefix("person:"))


def client_text(client: Client) -> str:
    """``Firefox on a phone, network 203.0.113.0/24``."""
    device = DEVICES[client.device]
    program = f"{BROWSERS[client.browser]} on {device}" if client.browser is not None else device
    return f"{program}, network {client.network}" if client.network is not None else program


#: The note that staff read when a customer corrected their own address.
CORRECTED_BY_CUSTOMER = "The customer corrected the e-mail address after the payment."
ANOTHERS_ADDRESS_GIVEN = (
    "The customer wanted to correct the e-mail address to that of another customer; nothing was changed."
)
