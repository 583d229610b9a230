"""Apply events of e-mails and links to a draft; see ``evolve``."""

from collections.abc import Mapping
from typing import Any

from domain.order import events as e
from domain.order.download_link import DownloadLink
from domain.order.email import Email, EmailStatus
from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.replacement import amend, replace, with_defaults
from domain.order.states import State
from domain.order.values import EmailKind, RefundId, RefundReason

_STATUS: Mapping[type, EmailStatus] = {
    e.EmailSent: EmailStatus.SENT,
    e.EmailUnconfirmed: EmailStatus.UNCONFIRMED,
    e.EmailFailed: EmailStatus.FAILED,
    e.EmailBounced: EmailStatus.BOUNCED,
}


def enqueue_email_once(order: Order, kind: EmailKind) -> Order:
    """Enqueue an e-mail of this kind, unless the order has one."""
    return order if order.count_of(kind) else enqueue_another_email(order, kind)


def enqueue_another_email(
    order: Order, kind: EmailKind, *, refund_id: RefundId | None = None, blocked_before: int = 0
) -> Order:
    """Enqueue another e-mail of this kind."""
    email_id = order.next_email_id(kind)
    email = with_defaults(
        Email, email_id=email_id, kind=kind, refund_id=refund_id, blocked_before=blocked_before
    )
    return amend(order, emails={**order.emails, email_id: email})


def enqueue_refund_report(before: State, order: Order, event: e.Event) -> Order:
    """Enqueue the e-mail that reports a refund, if one is due.

    It runs at each event of each fold: nearly all of them end at the first two tests.
    """
    if isinstance(event, e.RefundProgress):
        return _report_refund(before, order, event)
    if order.state is State.REFUNDED is not before and not isinstance(event, e.DisputeClosed):
        return _enqueue_failure_email(order)
    return order


def _report_refund(before: State, order: Order, event: e.RefundProgress) -> Order:
    if isinstance(event, e.RefundIssued) and not event.is_told:
        return order
    refund = order.refunds[event.refund_id]
    if refund.reason is not RefundReason.NOT_RESTORED:
        return _enqueue_refund_email(order, refund.refund_id)
    has_ended = order.state is State.REFUNDED is not before
    is_last = isinstance(event, e.RefundAccepted) and order.ledger.all_is_accepted
    return _enqueue_failure_email(order) if has_ended or is_last else order


def _enqueue_refund_email(order: Order, refund_id: RefundId) -> Order:
    """Enqueue one e-mail for each requested refund."""
    if any(email.refund_id == refund_id for email in order.emails.values()):
        return order
    return enqueue_another_email(order, EmailKind.REFUND, refund_id=refund_id)


def _enqueue_failure_email(order: Order) -> Order:
    """Report the refund of failed images in one e-mail.

    If there is a result, the e-mail with the result reports it.
    """
    if order.restored_images or not order.every_image_is_settled:
        return order
    accepted = order.ledger.having(RefundStatus.PENDING, RefundStatus.ISSUED)
    if accepted and all(refund.reason is not RefundReason.NOT_RESTORED for refund in accepted):
        return order
    return enqueue_email_once(order, EmailKind.FAILURE)


def apply_email(
    order: Order,
    event: e.EmailEvent,
) -> Order:
    """Apply an event to the e-mail it names."""
    known = order.emails.get(event.email_id)
    if known is None:
        known = with_defaults(Email, email_id=event.email_id, kind=event.kind)
        if event.kind is EmailKind.RESULT and not isinstance(event, e.EmailRequested):
            order = _without_partial_result(order)
    changes: dict[str, Any] = {}
    if not isinstance(event, e.EmailRequested):
        changes["status"] = _STATUS[type(event)]
    if isinstance(event, e.EmailSent):
        changes["message_id"] = event.message_id
    if isinstance(event, e.EmailUnconfirmed):
        changes["attempt"] = known.attempt + 1
    return amend(order, emails={**order.emails, event.email_id: replace(known, **changes)})


def apply_email_feedback(order: Order, event: e.EmailFeedback) -> Order:
    """Apply feedback on an accepted e-mail."""
    known = order.emails[event.email_id]
    match event:
        case e.EmailDeferred():
            return _with_email(order, replace(known, is_deferred=True))
        case e.EmailOptedOut():
            return _with_email(order, replace(known, opt_out=event.how))
        case e.EmailBlocked():
            replaced = _with_email(order, replace(known, status=EmailStatus.REPLACED))
            if known.kind.brings_a_link and replaced.link_is_on_its_way:
                return replaced  # another e-mail carries the link already
            return enqueue_another_email(
                replaced,
                known.kind,
                refund_id=known.refund_id,
                blocked_before=known.blocked_before + 1,
            )


def _with_email(order: Order, email: Email) -> Order:
    return amend(order, emails={**order.emails, email.email_id: email})


def _without_partial_result(order: Order) -> Order:
    """Remove the partial-result e-mail that an older version would not have had.

    Logs of older versions name every result e-mail ``RESULT``: theirs replaces the one about a part of the images.
    """
    emails = {i: mail for i, mail in order.emails.items() if mail.kind is not EmailKind.PARTIAL_RESULT}
    return amend(order, emails=emails)


def apply_link(
    order: Order,
    event: e.LinkEvent,
) -> Order:
    """Apply an event to the link it names."""
    match event:
        case e.DownloadPrepared():
            link = with_defaults(
                DownloadLink,
                link_id=event.link_id,
                archive=event.archive,
                token_sha256=event.token_sha256,
                expires_at=event.expires_at,
                edition=event.edition,
            )
            return _enqueue_result_email(_with_link(order, link), event)
        case e.DownloadLinkIssued():
            newest = list(order.links.values())[-1]
            link = replace(
                newest,
                link_id=event.link_id,
                token_sha256=event.token_sha256,
                expires_at=event.expires_at,
                is_revoked=False,
                is_shared=event.is_shared,
                served=frozenset(),
                fetched=frozenset(),
            )
            issued = _with_link(order, link)
            return issued if event.is_shared else _enqueue_new_link_email(issued, event)
        case e.DownloadLinkRevoked():
            return _with_link(order, replace(order.all_links[event.link_id], is_revoked=True))
        case e.ResultServed():
            link = order.all_links[event.link_id]
            return _with_link(order, replace(link, served=link.served | {event.image_id}))
        case e.ResultDownloaded():
            link = order.links[event.link_id]
            return _with_link(order, replace(link, fetched=link.fetched | {event.image_id}))


def _enqueue_result_email(order: Order, event: e.DownloadPrepared) -> Order:
    if event.edition > 1:
        return enqueue_another_email(order, EmailKind.REDONE)
    return enqueue_email_once(order, EmailKind.PARTIAL_RESULT if order.failed_images else EmailKind.RESULT)


def _enqueue_new_link_email(order: Order, event: e.DownloadLinkIssued) -> Order:
    """Enqueue an e-mail with the new link, unless one will carry it.

    An e-mail that is still due carries the newest link anyway. A link issued by staff gets an e-mail of its own:
    another one may be on its way with a link that was just revoked.
    """
    is_by_a_person = event.note_id is not None
    carriers = {kind for kind in EmailKind if kind.brings_a_link and not is_by_a_person} | {
        EmailKind.NEW_LINK
    }
    waiting = {EmailStatus.DUE} if is_by_a_person else {EmailStatus.DUE, EmailStatus.UNCONFIRMED}
    is_carried = any(email.kind in carriers and email.status in waiting for email in order.emails.values())
    return order if is_carried else enqueue_another_email(order, EmailKind.NEW_LINK)


def _with_link(order: Order, link: DownloadLink) -> Order:
    if link.is_shared:
        return amend(order, shared_links={**order.shared_links, link.link_id: link})
    return amend(order, links={**order.links, link.link_id: link})
