"""What needs attention in one order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.order import events as e
from domain.order.email import EmailStatus
from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.reactions import CancelPrediction, pending_reactions_by_id
from domain.order.states import State
from domain.order.values import EmailId, HoldReason
from domain.ports.reaction_queue import ExhaustedReaction, UnreadableWork
from domain.use_cases.support.attention_items import AttentionItem, AttentionKind


@dataclass(eq=False)
class OrderAttention:
    """Finds what needs attention in one order and its stream."""

    order: Order
    stream: Sequence[e.RecordedEvent]

    def items(self, given_up: Iterable[ExhaustedReaction]) -> Iterator[AttentionItem]:
        """Yield every item but unreadable reactions; ``given_up`` are the exhausted ones."""
        yield from self._hold()
        yield from self._refunds()
        yield from self._disputes()
        if self.order.state is State.ERASED:
            return  # no customer is left to write to, and nothing to restore
        yield from self._mails()
        yield from self._opt_outs()
        for work in given_up:
            if not self._was_seen_to(work.since):
                yield self._concern(
                    AttentionKind.WORK_GIVEN_UP,
                    work.since,
                    str(self.order.order_id),
                    is_about_a_prediction=work.kind is CancelPrediction,
                )

    def unreadable(self, rows: Iterable[UnreadableWork]) -> Iterator[AttentionItem]:
        """Yield reactions whose rows this version of the shop cannot read."""
        pending = pending_reactions_by_id(self.order)
        for work in rows:
            item = self._concern(AttentionKind.WORK_UNREADABLE, work.since, str(work.reaction_id))
            yield replace(item, work=work, is_repairable=work.reaction_id in pending)

    def _hold(self) -> Iterator[AttentionItem]:
        has_failed_refund = any(
            refund.status is RefundStatus.FAILED for refund in self.order.refunds.values()
        )
        is_about_a_refund = self.order.hold is HoldReason.REFUND_NOT_ISSUED and has_failed_refund
        # The failed refund is listed by itself and says more: one cause is reported once.
        if self.order.hold is not None and not is_about_a_refund:
            since = self._last(e.OrderHeld)
            item = self._concern(AttentionKind.ON_HOLD, since, str(self.order.order_id))
            yield replace(item, hold=self.order.hold)

    def _refunds(self) -> Iterator[AttentionItem]:
        failures = {
            event.refund_id: (recorded.recorded_at, event.reason)
            for recorded in self.stream
            if isinstance(event := recorded.event, e.RefundFailed)
        }
        for number, refund in enumerate(self.order.refunds.values(), start=1):
            if refund.status is RefundStatus.FAILED:
                since, reason = failures[refund.refund_id]
                yield self._concern(
                    AttentionKind.REFUND_FAILED, since, str(number), amount=refund.amount, reason=reason
                )
        overpaid, payment = self.order.ledger.overpaid, self.order.payment
        is_hidden = self.order.is_held and self.order.hold is not HoldReason.OVERPAID
        if overpaid and payment is not None and is_hidden:
            since = self._last(e.RefundAccepted, e.RefundIssued)
            amount = replace(payment.paid, amount=overpaid)
            yield self._concern(AttentionKind.OVERPAID, since, str(self.order.order_id), amount=amount)

    def _disputes(self) -> Iterator[AttentionItem]:
        for recorded in self.stream:
            match recorded.event:
                case e.DisputeOpened(dispute_id=name, amount=amount, reason=reason, is_inquiry=is_inquiry):
                    known = self.order.disputes[name]
                    if known.outcome is None and known.is_inquiry is is_inquiry:
                        kind = AttentionKind.INQUIRY if is_inquiry else AttentionKind.DISPUTED
                        yield self._concern(kind, recorded.recorded_at, name, amount=amount, reason=reason)
                case _:
                    pass

    def _mails(self) -> Iterator[AttentionItem]:
        """Yield one item for failed and one for bounced e-mails.

        E-mails that a later event settled are left out. A hold because of an e-mail has the same cause and is listed
        instead.
        """
        if self.order.hold in {HoldReason.EMAIL_NOT_SENT, HoldReason.EMAIL_BOUNCED}:
            return
        email_failures: dict[EmailId, e.RecordedEvent] = {
            each.event.email_id: each
            for each in self.stream
            if isinstance(each.event, e.EmailFailed | e.EmailBounced)
        }
        found: dict[AttentionKind, list[tuple[EmailId, datetime]]] = {}
        for email_id, recorded in email_failures.items():
            email = self.order.emails[email_id]
            is_open = email.status in {EmailStatus.FAILED, EmailStatus.BOUNCED}
            if not is_open or self._was_seen_to(recorded.recorded_at, e.EmailSent, e.ResultDownloaded):
                continue
            kind = (
                AttentionKind.MAIL_BOUNCED
                if isinstance(recorded.event, e.EmailBounced)
                else AttentionKind.MAIL_FAILED
            )
            found.setdefault(kind, []).append((email_id, recorded.recorded_at))
        for kind, mails in found.items():
            kinds = [self.order.emails[email_id].kind for email_id, _ in mails]
            newest, since = mails[-1][0], min(at for _, at in mails)
            yield self._concern(kind, since, str(newest), emails=kinds)

    def _opt_outs(self) -> Iterator[AttentionItem]:
        """Yield e-mails reported as spam or unsubscribed from.

        The provider may drop the customer's next e-mails.
        """
        for recorded in self.stream:
            match recorded.event:
                case e.EmailOptedOut(email_id=email_id, kind=kind, how=how):
                    if not self._was_seen_to(recorded.recorded_at):
                        yield self._concern(
                            AttentionKind.MAIL_OPTED_OUT,
                            recorded.recorded_at,
                            str(email_id),
                            email=kind,
                            how=how,
                        )
                case _:
                    pass

    def _was_seen_to(self, since: datetime, *kinds: type[e.Event]) -> bool:
        """Whether an event of these kinds, or a note, was recorded later.

        A note shows that staff know of it.
        """
        return any(
            recorded.recorded_at > since and isinstance(recorded.event, (e.NoteAdded, *kinds))
            for recorded in self.stream
        )

    def _last(self, *kinds: type[e.Event]) -> datetime:
        return max(each.recorded_at for each in self.stream if isinstance(each.event, kinds))

    def _concern(self, kind: AttentionKind, since: datetime, subject: str, **facts: object) -> AttentionItem:
        payment = self.order.payment
        return AttentionItem(
            kind=kind,
            since=since,
            subject=subject,
            facts=facts,
            order_id=self.order.order_id,
            number=payment.order_number if payment else None,
        )
