"""Send an order's e-mails, at most once each.

An e-mail is sent again only as a recorded resend. ``email_webhook`` records its delivery status.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from domain.order import events as e
from domain.order.commands import Proposal
from domain.order.email import Email
from domain.order.image import Image
from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.reactions import SendEmail
from domain.order.stored_reasons import ADDRESS_ERASED, EMAIL_REFUSED
from domain.order.values import (
    EmailKind,
    Money,
    OrderNumber,
    PhotoId,
    StoredObject,
)
from domain.ports.clock import Clock
from domain.ports.customers import Customer
from domain.ports.email import (
    Attachment,
    EmailFacts,
    EmailRenderer,
    Mailer,
    OutgoingEmail,
    ResultSize,
    Rewards,
)
from domain.ports.errors import LostReplyError, RefusedError
from domain.ports.object_storage import ObjectStorage
from domain.ports.unit_of_work import HasCustomers, HasPointsBalances, HasUploadSessions, UnitOfWork
from domain.signed_tokens import TokenSigner
from domain.use_cases.checkout.referrals_and_points import ReferralProgram
from domain.use_cases.delivery.downloads import DownloadService
from domain.use_cases.delivery.email_size import encoded_size_bytes
from domain.use_cases.delivery.verified_reading import read_verified
from domain.use_cases.shop_policy import ShopPolicy


class EmailRepositories(HasCustomers, HasPointsBalances, HasUploadSessions, Protocol):
    """The repositories with the data of e-mails."""


#: The e-mails that deliver new results and state their sizes.
_WITH_RESULTS = frozenset({EmailKind.RESULT, EmailKind.PARTIAL_RESULT, EmailKind.REDONE})

#: The customer's names of an order's photos; an erased one is missing or empty.
FileNames = Mapping[PhotoId, str]

#: A single webhook event may cause its own error; if this many of a batch fail, the cause lies elsewhere.
MAX_FAILED_EVENTS = 3


@dataclass(eq=False, kw_only=True)
class EmailSender:
    """Render e-mails and hand them to the provider."""

    unit_of_work: UnitOfWork[EmailRepositories]
    mailer: Mailer
    writer: EmailRenderer
    storage: ObjectStorage
    token_signer: TokenSigner
    referral_program: ReferralProgram
    downloads: DownloadService
    clock: Clock
    policy: ShopPolicy

    def send_email(self, order: Order, work: SendEmail) -> Sequence[Proposal]:
        """Hand an e-mail to the provider and return the resulting event.

        A lost response is recorded as unconfirmed and not retried. If the e-mail's link has expired or was revoked
        meanwhile, a new link is proposed instead, and the e-mail is sent with that.
        """
        with self.unit_of_work.transaction() as transaction:
            customer = transaction.customers.find(order.payment.customer_id) if order.payment else None
            if customer is None:
                return [_failed(work, ADDRESS_ERASED)]
            if work.kind.brings_a_link and self._link_has_run_out(order):
                return [self.downloads.new_link(order)]
            facts = self._facts(transaction, order, order.emails[work.email_id], customer)
        try:
            message_id = self.mailer.send(self._mail(order, work, customer, facts))
        except LostReplyError:
            return [e.EmailUnconfirmed(email_id=work.email_id, kind=work.kind)]
        except RefusedError as refusal:
            return [_failed(work, refusal.code or EMAIL_REFUSED)]
        return [e.EmailSent(email_id=work.email_id, kind=work.kind, message_id=message_id)]

    def _link_has_run_out(self, order: Order) -> bool:
        link = order.newest_link
        return link is None or link.expires_at <= self.clock.now()

    def _mail(self, order: Order, work: SendEmail, customer: Customer, facts: EmailFacts) -> OutgoingEmail:
        archive, attachment = _archive_for(order, work.kind), None
        email_content = self.writer.render(replace(facts, is_attached=archive is not None))
        if archive is not None:
            if encoded_size_bytes(email_content, archive.size_bytes) < self.policy.delivery.max_email_bytes:
                attachment = self._attachment(archive, facts.order_number)
            else:
                email_content = self.writer.render(facts)
        link = order.newest_link if work.kind.brings_a_link else None
        return OutgoingEmail(
            email_id=work.email_id,
            order_id=order.order_id,
            to=customer.email,
            to_name=customer.name,
            content=email_content,
            attachment=attachment,
            link_id=link.link_id if link else None,
        )

    def _facts(
        self, transaction: EmailRepositories, order: Order, email: Email, customer: Customer
    ) -> EmailFacts:
        if order.payment is None:
            raise AssertionError("An order that owes a mail was paid.")
        kind, currency = email.kind, order.payment.paid.currency
        names: FileNames = {}
        if kind is not EmailKind.CONFIRMATION:  # it names no photos
            names = transaction.upload_sessions.file_names(order.order_id)
        link = order.newest_link if kind.brings_a_link else None
        urls = self.policy.urls
        token = self.token_signer.issued_download_token(link.link_id, link.token_sha256) if link else None
        offers_redo = kind in {EmailKind.RESULT, EmailKind.PARTIAL_RESULT}
        return EmailFacts(
            kind=kind,
            order_id=order.order_id,
            order_number=order.payment.order_number,
            customer_name=customer.name,
            locale=customer.locale,
            photos=len(order.images),
            restored=len(order.restored_images),
            failed=len(order.failed_images),
            failed_names=_names(names, order.failed_images),
            lost=len(order.lost_images),
            lost_names=_names(names, order.lost_images),
            paid=order.payment.paid,
            refunded=Money(
                amount=order.ledger.requested + order.ledger.pending + order.ledger.issued, currency=currency
            ),
            refund_amount=_reported_refund(order, email),
            redone_name=_redone_name(names, order),
            status_url=urls.status.replace("{order}", str(order.order_id)),
            download_url=urls.photos.replace("{token}", token) if token else None,
            redo_days=self.policy.delivery.redo_within.days if offers_redo else None,
            expires_at=link.expires_at if link else None,
            rewards=self._rewards(transaction, kind, customer, currency),
            sizes=_sizes(names, order) if kind in _WITH_RESULTS else (),
        )

    def _rewards(
        self, transaction: EmailRepositories, kind: EmailKind, customer: Customer, currency: str
    ) -> Rewards | None:
        """The points section, only with a complete result.

        A customer who is waiting or disappointed receives no advertising.
        """
        if kind is not EmailKind.RESULT:
            return None
        return self.referral_program.rewards_for(transaction, customer, currency)

    def _attachment(self, archive: StoredObject, number: OrderNumber) -> Attachment:
        content = b"".join(read_verified(self.storage, archive))
        return Attachment(
            name=f"restored-photos-{number}.zip", media_type=archive.media_type, content=content
        )


def _sizes(names: FileNames, order: Order) -> tuple[ResultSize, ...]:
    """The sizes of the newest results whose file names are not erased."""
    return tuple(
        ResultSize(
            name=names[PhotoId(image.image_id)],
            width=image.width,
            height=image.height,
            original_width=image.original_width,
            original_height=image.original_height,
        )
        for image in order.restored_images
        if names.get(PhotoId(image.image_id))
        and image.width
        and image.height
        and image.original_width
        and image.original_height
    )


def _redone_name(names: FileNames, order: Order) -> str | None:
    """The customer's file name of the redone photo, if exactly one was."""
    redone = [image for image in order.images.values() if image.was_redone]
    return names.get(PhotoId(redone[0].image_id)) or None if len(redone) == 1 else None


def _names(names: FileNames, images: Sequence[Image]) -> tuple[str, ...]:
    return tuple(name for image in images if (name := names.get(PhotoId(image.image_id))))


def _archive_for(order: Order, kind: EmailKind) -> StoredObject | None:
    """The archive to attach; None for a kind of e-mail without results."""
    brings = {EmailKind.RESULT, EmailKind.PARTIAL_RESULT, EmailKind.REDONE}
    link = order.newest_link if kind in brings else None
    return link.archive if link else None


def _reported_refund(order: Order, email: Email) -> Money | None:
    """The refund amount that an e-mail states.

    That of the refund it reports or, with a partial result, the sum for the missing photos.
    """
    if email.refund_id is not None:
        return order.refunds[email.refund_id].amount
    shares = [refund.amount for refund in order.ledger.all_but(RefundStatus.DROPPED) if refund.image_ids]
    if email.kind is not EmailKind.PARTIAL_RESULT or not shares:
        return None
    return sum(shares[1:], start=shares[0])


def _failed(work: SendEmail, reason: str) -> e.EmailFailed:
    return e.EmailFailed(email_id=work.email_id, kind=work.kind, reason=reason)
