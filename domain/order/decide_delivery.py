"""Decide e-mails, their feedback, and download links."""

from domain.order import events as e
from domain.order.decision import NOTHING, Decision, DecisionBuilder
from domain.order.download_link import DownloadLink
from domain.order.email import Email, EmailStatus
from domain.order.errors import LastDownloadLinkError, NothingToSendError, UnknownDownloadLinkError
from domain.order.lifecycle import allowed, require
from domain.order.order import Order
from domain.order.states import State
from domain.order.stored_reasons import ANSWER_LOST_TWICE
from domain.order.values import EmailKind, HoldReason

#: Replacements for an e-mail that receiving servers block, before staff have to help.
MAX_BLOCKED = 3

_ON_ITS_WAY = frozenset({EmailStatus.DUE, EmailStatus.UNCONFIRMED})


def requestable_email(order: Order) -> EmailKind:
    """The kind of e-mail for the current state, or raise NothingToSendError."""
    match order.state:
        case State.PAID | State.RESTORING | State.SETTLED:
            return EmailKind.CONFIRMATION
        case State.READY | State.DELIVERED | State.COMPLETED:
            return EmailKind.PARTIAL_RESULT if order.failed_images else EmailKind.RESULT
        case State.REFUNDED if order.count_of(EmailKind.FAILURE) and order.ledger.is_refunded_by_us:
            return EmailKind.FAILURE
        case State.REFUNDED if order.count_of(EmailKind.REFUND) and order.ledger.is_refunded_by_us:
            return EmailKind.REFUND
        case _:
            raise NothingToSendError(state=order.state)


def is_on_its_way(order: Order, kind: EmailKind) -> bool:
    """Whether an e-mail of this kind is due or unconfirmed."""
    return any(email.kind is kind and email.status in _ON_ITS_WAY for email in order.emails.values())


def _decide_email_request(order: Order, proposed: e.EmailRequested) -> Decision:
    """Record a request for an e-mail that is not on its way."""
    if proposed.email_id in order.emails or is_on_its_way(order, proposed.kind):
        return NOTHING
    require(order.state, type(proposed))
    lacks_link = proposed.kind.brings_a_link and (
        order.newest_link is None or order.photos_are_purged or not order.is_deliverable
    )
    is_refunded = order.state is State.REFUNDED and order.ledger.is_refunded_by_us
    lacks_refund = proposed.kind in {EmailKind.REFUND, EmailKind.FAILURE} and not is_refunded
    if lacks_link or lacks_refund:
        raise NothingToSendError(state=order.state)
    return (proposed,)


def decide_email(order: Order, proposed: e.EmailEvent) -> Decision:
    """Record a request or an outcome; once accepted, only a bounce counts.

    Raise NothingToSendError for a request unless the link or the refund that it reports exists.
    """
    if isinstance(proposed, e.EmailRequested):
        return _decide_email_request(order, proposed)
    email = order.emails.get(proposed.email_id)
    if email is None or type(proposed) not in allowed(order.state):
        return NOTHING
    if isinstance(proposed, e.EmailBounced):
        return _decide_bounce(order, email, proposed)
    if email.status not in {*_ON_ITS_WAY, EmailStatus.FAILED}:
        return NOTHING
    match proposed:
        case e.EmailSent():
            return (proposed,)
        case e.EmailUnconfirmed():
            if email.status is EmailStatus.DUE:
                return (proposed,)
            # The one resend was lost as well: a third e-mail could be a duplicate, so staff decide.
            return _email_failed(order, email, ANSWER_LOST_TWICE)
        case e.EmailFailed():
            return _email_failed(order, email, proposed.reason)


def _email_failed(order: Order, email: Email, reason: str) -> Decision:
    if email.status is EmailStatus.FAILED:
        return NOTHING
    failed = e.EmailFailed(email_id=email.email_id, kind=email.kind, reason=reason)
    return _hold_if_undelivered(order, failed, HoldReason.EMAIL_NOT_SENT)


def _decide_bounce(order: Order, email: Email, proposed: e.EmailBounced) -> Decision:
    is_known = email.status in {EmailStatus.BOUNCED, EmailStatus.REPLACED, EmailStatus.FAILED}
    is_too_late = order.photos_are_purged and email.kind.brings_a_link  # there is nothing left to send
    if is_known or is_too_late:
        return NOTHING
    return _hold_if_undelivered(order, proposed, HoldReason.EMAIL_BOUNCED)


def decide_email_feedback(order: Order, proposed: e.EmailFeedback) -> Decision:
    """Record feedback on an accepted e-mail, each kind once.

    After ``MAX_BLOCKED`` replacements, a block counts as a bounce.
    """
    email = order.emails.get(proposed.email_id)
    if email is None or type(proposed) not in allowed(order.state):
        return NOTHING
    match proposed:
        case e.EmailDeferred():
            return (proposed,) if email.status is EmailStatus.SENT and not email.is_deferred else NOTHING
        case e.EmailOptedOut():
            return (proposed,) if email.opt_out is None else NOTHING
        case e.EmailBlocked() if email.status is not EmailStatus.SENT:
            return NOTHING
        case e.EmailBlocked() if email.blocked_before >= MAX_BLOCKED:
            bounced = e.EmailBounced(email_id=proposed.email_id, kind=proposed.kind, reason=proposed.reason)
            return _decide_bounce(order, email, bounced)
        case e.EmailBlocked():
            has_nothing_to_send = order.photos_are_purged and email.kind.brings_a_link
            return NOTHING if has_nothing_to_send else (proposed,)


def _hold_if_undelivered(
    order: Order, proposed: e.EmailFailed | e.EmailBounced, reason: HoldReason
) -> Decision:
    """Hold the order if the customer is left without the link.

    For any other e-mail the event alone is recorded.
    """
    draft = DecisionBuilder(order, proposed)
    is_stuck = (
        proposed.kind.brings_a_link and draft.order.result_is_undelivered and draft.order.is_deliverable
    )
    if is_stuck and not order.work_is_stopped:
        draft.add(e.OrderHeld(reason=reason))
    return draft.done()


def decide_link(
    order: Order,
    proposed: e.LinkEvent,
) -> Decision:
    """Record an archive once per revision; issue and revoke links.

    Raise NothingToSendError when the photos were purged, UnknownDownloadLinkError for a link of another order, and
    LastDownloadLinkError rather than revoke the only link to deliverable photos.
    """
    link = order.all_links.get(proposed.link_id)
    match proposed:
        case e.DownloadPrepared():
            # A link issued while the archive was made may have the same id: then the archive is made again.
            is_missing = (
                link is None and not order.has_current_archive and proposed.edition == order.archive_revision
            )
            is_due = order.state is State.SETTLED or (order.is_deliverable and not order.is_being_redone)
            holds_results = set(proposed.image_ids) == {image.image_id for image in order.restored_images}
            return (proposed,) if is_missing and is_due and holds_results else NOTHING
        case e.DownloadLinkIssued():
            if link is not None:
                return NOTHING
            require(order.state, type(proposed))
            if order.photos_are_purged:
                raise NothingToSendError(state=order.state)
            return NOTHING if proposed.is_shared and order.shared_link is not None else (proposed,)
        case e.DownloadLinkRevoked():
            require(order.state, type(proposed))
            if link is None:
                raise UnknownDownloadLinkError(order_id=order.order_id, link_id=proposed.link_id)
            if link.is_revoked:
                return NOTHING
            others = (other for other in order.links.values() if other != link)
            if not link.is_shared and order.is_deliverable and all(other.is_revoked for other in others):
                raise LastDownloadLinkError(order_id=order.order_id, link_id=proposed.link_id)
            return (proposed,)
        case e.ResultServed() | e.ResultDownloaded():
            return _decide_file(order, link, proposed)


def _decide_file(order: Order, link: DownloadLink | None, proposed: e.FileEvent) -> Decision:
    """Record each file of a link once: requests cannot fill the log."""
    if link is None or link.is_revoked or type(proposed) not in allowed(order.state):
        return NOTHING
    if link.is_shared and isinstance(proposed, e.ResultDownloaded):
        return NOTHING  # a visitor pressed the button, not the customer
    known = link.served if isinstance(proposed, e.ResultServed) else link.fetched
    return NOTHING if proposed.image_id in known else (proposed,)
