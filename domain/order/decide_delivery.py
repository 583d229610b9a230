"""What goes on record of mails and links."""

from domain.order import events as e
from domain.order.decision import NOTHING, Decision, Draft
from domain.order.errors import LastDownloadLinkError, NothingToSendError, UnknownDownloadLinkError
from domain.order.lifecycle import State, allowed, require
from domain.order.order import DownloadLink, Email, EmailStatus, Order
from domain.order.values import EmailKind, HoldReason

#: How many mails are sent in place of one that a receiving server refuses for now, before a person has to help.
MAX_BLOCKED = 3

_ON_ITS_WAY = frozenset({EmailStatus.DUE, EmailStatus.UNCONFIRMED})


def mail_called_for(order: Order) -> EmailKind:
    """The mail that tells a customer where the order stands now; raises NothingToSendError."""
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
    """Whether a mail of this kind is due, or may be with the provider already."""
    return any(email.kind is kind and email.status in _ON_ITS_WAY for email in order.emails.values())


def decide_email_wish(order: Order, said: e.EmailRequested) -> Decision:
    """A mail that is on its way already is not asked for twice; what it tells of has to be there."""
    if said.email_id in order.emails or is_on_its_way(order, said.kind):
        return NOTHING
    require(order.state, type(said))
    lacks_link = said.kind.brings_a_link and (
        order.newest_link is None or order.photos_are_purged or not order.is_shown
    )
    is_refunded = order.state is State.REFUNDED and order.ledger.is_refunded_by_us
    lacks_refund = said.kind in {EmailKind.REFUND, EmailKind.FAILURE} and not is_refunded
    if lacks_link or lacks_refund:
        raise NothingToSendError(state=order.state)
    return (said,)


def decide_email(
    order: Order, said: e.EmailSent | e.EmailUnconfirmed | e.EmailFailed | e.EmailBounced
) -> Decision:
    """What became of a mail: once accepted, only its return is news."""
    email = order.emails.get(said.email_id)
    if email is None or type(said) not in allowed(order.state):
        return NOTHING
    if isinstance(said, e.EmailBounced):
        return _decide_bounce(order, email, said)
    if email.status not in {*_ON_ITS_WAY, EmailStatus.FAILED}:
        return NOTHING
    match said:
        case e.EmailSent():
            return (said,)
        case e.EmailUnconfirmed():
            if email.status is EmailStatus.DUE:
                return (said,)
            # The one resend was lost as well: a third mail could be one too many, so a person decides.
            return _email_failed(order, email, "The provider's answer was lost twice.")
        case e.EmailFailed():
            return _email_failed(order, email, said.reason)


def _email_failed(order: Order, email: Email, reason: str) -> Decision:
    if email.status is EmailStatus.FAILED:
        return NOTHING
    failed = e.EmailFailed(email_id=email.email_id, kind=email.kind, reason=reason)
    return _held_if_nobody_has_it(order, failed, HoldReason.EMAIL_NOT_SENT)


def _decide_bounce(order: Order, email: Email, said: e.EmailBounced) -> Decision:
    is_known = email.status in {EmailStatus.BOUNCED, EmailStatus.REPLACED, EmailStatus.FAILED}
    is_too_late = order.photos_are_purged and email.kind.brings_a_link  # there is nothing left to send
    if is_known or is_too_late:
        return NOTHING
    return _held_if_nobody_has_it(order, said, HoldReason.EMAIL_BOUNCED)


def decide_email_feedback(order: Order, said: e.EmailDeferred | e.EmailBlocked | e.EmailOptedOut) -> Decision:
    """What a mail provider reports of a mail that it has accepted; each kind counts once for each mail."""
    email = order.emails.get(said.email_id)
    if email is None or type(said) not in allowed(order.state):
        return NOTHING
    match said:
        case e.EmailDeferred():
            return (said,) if email.status is EmailStatus.SENT and not email.is_deferred else NOTHING
        case e.EmailOptedOut():
            return (said,) if email.opt_out is None else NOTHING
        case e.EmailBlocked() if email.status is not EmailStatus.SENT:
            return NOTHING
        case e.EmailBlocked() if email.blocked_before >= MAX_BLOCKED:
            bounced = e.EmailBounced(email_id=said.email_id, kind=said.kind, reason=said.reason)
            return _decide_bounce(order, email, bounced)
        case e.EmailBlocked():
            has_nothing_to_send = order.photos_are_purged and email.kind.brings_a_link
            return NOTHING if has_nothing_to_send else (said,)


def _held_if_nobody_has_it(
    order: Order, said: e.EmailFailed | e.EmailBounced, reason: HoldReason
) -> Decision:
    """A person has to help when the customer is left without the link; other mails are on record, and that is all."""
    draft = Draft(order, said)
    is_stuck = said.kind.brings_a_link and draft.order.result_is_with_nobody and draft.order.is_shown
    if is_stuck and not order.work_is_stopped:
        draft.add(e.OrderHeld(reason=reason))
    return draft.done()


def decide_link(
    order: Order,
    said: e.DownloadPrepared
    | e.DownloadLinkIssued
    | e.DownloadLinkRevoked
    | e.ResultServed
    | e.ResultDownloaded,
) -> Decision:
    """Each edition of the archive is made once; links come and go while the photos are there."""
    link = order.links.get(said.link_id)
    match said:
        case e.DownloadPrepared():
            # A link that was issued while the archive was made may have taken its place: then it is made once more.
            is_missing = link is None and not order.has_newest_edition and said.edition == order.edition
            is_due = order.state is State.SETTLED or (order.is_shown and not order.is_being_redone)
            return (said,) if is_missing and is_due else NOTHING
        case e.DownloadLinkIssued():
            if link is not None:
                return NOTHING
            require(order.state, type(said))
            if order.photos_are_purged:
                raise NothingToSendError(state=order.state)
            return (said,)
        case e.DownloadLinkRevoked():
            require(order.state, type(said))
            if link is None:
                raise UnknownDownloadLinkError(order_id=order.order_id, link_id=said.link_id)
            if link.is_revoked:
                return NOTHING
            if order.is_shown and not any(_is_good(other) for other in order.links.values() if other != link):
                raise LastDownloadLinkError(order_id=order.order_id, link_id=said.link_id)
            return (said,)
        case e.ResultServed() | e.ResultDownloaded():
            return _decide_file(order, link, said)


def _decide_file(
    order: Order, link: DownloadLink | None, said: e.ResultServed | e.ResultDownloaded
) -> Decision:
    """Each file of a link is recorded once: requests without number must not fill the log."""
    if link is None or link.is_revoked or type(said) not in allowed(order.state):
        return NOTHING
    known = link.served if isinstance(said, e.ResultServed) else link.fetched
    return NOTHING if said.image_id in known else (said,)


def _is_good(link: DownloadLink) -> bool:
    return not link.is_revoked
