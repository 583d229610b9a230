"""Limits of what customers may request: how often and until when.

They are computed from recorded events, so no counters are stored.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.order import events as e
from domain.order.actors import CUSTOMER
from domain.order.errors import AskedTooOftenError, CorrectionRefusedError
from domain.order.image import Image
from domain.order.limits import Limits
from domain.order.order import Order
from domain.order.states import DELIVERABLE_STATES, REFUND_STATES, State
from domain.order.values import DownloadLinkId, EmailKind, RedoObstacle

#: E-mails go only to the recorded address; these limits keep other people from filling it.
MAX_MAILS = 5
MAX_LINKS = 5
#: A customer needs one link for others; the rest are for links that they took back.
MAX_SHARED_LINKS = 20
PAUSE = timedelta(minutes=5)
#: A mistyped address is corrected once; the others are for typing errors in the correction.
MAX_CORRECTIONS = 3


BEFORE_THE_RESULT = frozenset({State.PAID, State.RESTORING, State.SETTLED})

History = Sequence[e.RecordedEvent]


def check_wait(history: History, kind: EmailKind, now: datetime) -> None:
    """Raise AskedTooOftenError unless a customer may request this e-mail.

    An e-mail that was sent without a request starts the pause, too: it may still be on its way to the mailbox.
    """
    asked = _asked(history)
    sent = [
        recorded.recorded_at
        for recorded in history
        if isinstance(recorded.event, e.EmailSent) and recorded.event.kind is kind
    ]
    if len(asked) >= MAX_MAILS:
        raise AskedTooOftenError(wait=None)
    wait = max([*asked, *sent], default=now - PAUSE) + PAUSE - now
    if wait > timedelta(0):
        raise AskedTooOftenError(wait=wait)


def check_link_limit(history: History) -> None:
    """Raise AskedTooOftenError when MAX_LINKS links were requested for an order.

    No pause is needed: while the newest link is valid, no other one is issued.
    """
    issued = [
        recorded
        for recorded in history
        if recorded.actor == CUSTOMER
        and isinstance(recorded.event, e.DownloadLinkIssued)
        and not recorded.event.is_shared
    ]
    if len(issued) >= MAX_LINKS:
        raise AskedTooOftenError(wait=None)


def check_shared_link_limit(order: Order) -> None:
    """Raise AskedTooOftenError when MAX_SHARED_LINKS links for others were made."""
    if len(order.shared_links) >= MAX_SHARED_LINKS:
        raise AskedTooOftenError(wait=None)


def may_correct_address(order: Order) -> bool:
    """Whether an order's state lets the customer correct its address.

    Only before the result: a link to photos must not go to an address that was given later.
    """
    return order.state in BEFORE_THE_RESULT and not order.is_held and not order.is_disputed


def check_correction(order: Order, history: History) -> None:
    """Raise CorrectionRefusedError or AskedTooOftenError unless it is allowed."""
    if not may_correct_address(order):
        raise CorrectionRefusedError
    made = [each for each in history if each.actor == CUSTOMER and isinstance(each.event, e.NoteAdded)]
    if len(made) >= MAX_CORRECTIONS:
        raise AskedTooOftenError(wait=None)


def redo_ends_at(history: History, within: timedelta) -> datetime | None:
    """When the time for redo requests ends.

    None while the customer has no result yet.
    """
    shown = first_shown(history)
    return shown + within if shown is not None else None


def first_shown(history: History) -> datetime | None:
    """When the customer first had the results, as far as is known.

    That is when an e-mail with the link was accepted that did not bounce, or when a file was fetched.
    """
    returned = {
        each.event.email_id for each in history if isinstance(each.event, e.EmailBounced | e.EmailBlocked)
    }
    for recorded in history:
        match recorded.event:
            case e.ResultDownloaded():
                return recorded.recorded_at
            case e.EmailSent(kind=kind, email_id=email_id) if kind.brings_a_link and email_id not in returned:
                return recorded.recorded_at
    return None


def why_no_redo(
    order: Order, image: Image, limits: Limits, until: datetime | None, now: datetime
) -> RedoObstacle | None:
    """Why a customer may not request a redo of an image.

    None if they may. ``until`` is when the time for it ends; None while it has not begun.
    """
    if image.failure is not None:
        return RedoObstacle.NOT_RESTORED
    if image.is_being_redone:
        return RedoObstacle.RUNNING
    if image.redos_by_customer >= limits.max_redos_by_customer:
        return RedoObstacle.USED_UP
    if order.state in REFUND_STATES:
        return RedoObstacle.ORDER_STOPPED
    if order.is_held:
        return RedoObstacle.ORDER_HELD
    if order.is_disputed:
        return RedoObstacle.DISPUTED
    if until is None or order.state not in DELIVERABLE_STATES or order.state is State.READY:
        return RedoObstacle.NOT_SENT
    return RedoObstacle.TOO_LATE if until <= now else None


def needs_reminder(order: Order, link_id: DownloadLinkId, now: datetime) -> bool:
    """Whether to remind the customer that this link expires soon.

    That is so if it is their newest link, it is valid and nothing was fetched. No reminder is sent for an order that is
    held or disputed, or after an opt-out.
    """
    link = order.newest_link
    is_theirs = order.is_deliverable and order.result_is_sent and not order.photos_are_purged
    is_stopped = order.is_held or order.is_disputed or order.has_opted_out
    is_good = link is not None and link.link_id == link_id and link.expires_at > now
    return is_theirs and is_good and not is_stopped and not order.is_fetched


def _asked(history: History) -> list[datetime]:
    """When the customer requested e-mails."""
    return [
        recorded.recorded_at
        for recorded in history
        if recorded.actor == CUSTOMER and isinstance(recorded.event, e.EmailRequested)
    ]
