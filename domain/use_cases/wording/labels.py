"""How the shop says numbers, spans and reasons to people."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from domain.order.states import State
from domain.order.values import (
    Browser,
    Device,
    DisputeOutcome,
    EmailKind,
    FailureReason,
    HoldReason,
    OptOut,
    PointsReason,
)

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_KILOBYTE = 1000

#: What to do about work that cannot be read and that the order, as this version understands it, does not need.
UNREADABLE_AND_NOT_NEEDED = (
    "its order does not need it as far as this version knows: run the version that wrote it, or close it by hand if "
    "there is none (docs/operations.md, work_unreadable)"
)

STATES: Mapping[State, str] = {
    State.NEW: "not paid yet",
    State.PAID: "paid and about to be begun",
    State.RESTORING: "being restored",
    State.SETTLED: "restored and about to be packed",
    State.READY: "ready to be fetched",
    State.DELIVERED: "delivered, with money still owed",
    State.COMPLETED: "complete",
    State.REFUNDING: "stopped, with all its money on the way back",
    State.REFUNDED: "paid back",
    State.ERASED: "closed, and its customer forgotten",
}

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
    HoldReason.REQUESTED: "somebody at the shop asked for it",
}

MAILS: Mapping[EmailKind, str] = {
    EmailKind.CONFIRMATION: "the confirmation e-mail",
    EmailKind.RESULT: "the e-mail with the download link",
    EmailKind.PARTIAL_RESULT: "the e-mail with the download link and what goes back",
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

#: How a dispute ended.
OUTCOMES: Mapping[DisputeOutcome, str] = {
    DisputeOutcome.PREVENTED: "The dispute was prevented before it became a chargeback: no money was taken.",
    DisputeOutcome.INQUIRY_CLOSED: "The bank closed its inquiry: no money was taken.",
    DisputeOutcome.WON: "The bank decided the dispute for the shop: the money stays.",
    DisputeOutcome.LOST: "The bank decided the dispute for the customer: the money is gone.",
}


def counted(number: int, thing: str) -> str:
    """``1 photo``, ``3 photos``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def every(photos: int, one: str, many: str) -> str:
    """``the photo is``, ``both photos are``, ``all 3 photos are``, with the verb for one and for many."""
    if photos == 1:
        return f"the photo {one}"
    return f"both photos {many}" if photos == 2 else f"all {photos} photos {many}"  # noqa: PLR2004 -- a pair


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def alternatives(parts: Sequence[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    return " or ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def ordinal(number: int) -> str:
    """``first`` to ``tenth``, then ``11th``."""
    if number <= len(_ORDINALS):
        return _ORDINALS[number - 1]
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number // 10 % 10 != 1 else 0, "th")
    return f"{number}{suffix}"


def duration_text(span: timedelta) -> str:
    """A span as people say it: ``0.142 s``, ``12.3 s``, ``4 min 5 s``, ``3 h 20 min``, ``2 days 4 h``."""
    seconds = span.total_seconds()
    if seconds < 0.9995:  # noqa: PLR2004 -- what rounds to a second is said as one
        return f"{seconds:.3f} s"
    if seconds < 59.95:  # noqa: PLR2004 -- what rounds to a minute is said as one
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 -- an hour
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:  # noqa: PLR2004 -- a day
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{counted(days, 'day')} {hours} h" if hours else counted(days, "day")


def size_text(size_bytes: int) -> str:
    """A size as people say it: ``812 bytes``, ``191 kB``, ``3.4 MB``."""
    if size_bytes < _KILOBYTE:
        return counted(size_bytes, "byte")
    if size_bytes < _KILOBYTE**2:
        return f"{size_bytes / _KILOBYTE:.0f} kB"
    return f"{size_bytes / _KILOBYTE**2:.1f} MB"


def date_text(moment: datetime) -> str:
    """``22 November 2026``."""
    return f"{moment.day} {moment:%B %Y}"


def capitalised(sentence: str) -> str:
    """The sentence with a capital at its beginning; the rest stays as it is."""
    return sentence[:1].upper() + sentence[1:]
