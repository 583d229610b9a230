"""A shop of doubles to which anything happens: customers, banks, providers, crashes and the shop's own people."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from uuid import uuid5

from domain.model import events as e
from domain.model.errors import ShopError
from domain.model.lifecycle import TERMINAL
from domain.model.order import Order
from domain.model.reactions import needed
from domain.model.seals import sha256_of
from domain.model.values import DisputeOutcome, Money, OrderId, UploadSessionId
from domain.ports.errors import RefusedError, UnavailableError
from domain.ports.mail import MailFate, MailNotice
from domain.ports.payments import CheckoutStanding, CheckoutState, NoticeKind, PaymentNotice
from domain.services.desk import Signature
from tests.doubles.payments import Payment
from tests.doubles.shop import MemoryShop
from tests.doubles.weather import Weather

BY = Signature(actor="person:grace", reason="They asked for it on the phone.")
#: What may fail, and at whom.
CALLS = {
    "payments": (
        "issue_refund",
        "find_refund",
        "look_up_refund",
        "find_checkout",
        "find_checkout_by_payment",
    ),
    "restorer": ("start", "look", "fetch", "cancel"),
    "mailer": ("send",),
    "storage": ("put", "copy", "purge"),
}
#: Rounds of two days in which a shop that is let go well has to come to its end.
PATIENCE = 12


@dataclass
class AnyShop:
    """The shop and the world around it; ``posted`` is what providers have said and nobody has heard yet."""

    shop: MemoryShop
    sessions: list[UploadSessionId] = field(default_factory=list)
    checkouts: list[str] = field(default_factory=list)
    disputes: dict[str, PaymentNotice] = field(default_factory=dict)  # as they were opened, while undecided
    posted: list[PaymentNotice | MailNotice] = field(default_factory=list)
    heard: list[PaymentNotice | MailNotice] = field(default_factory=list)
    told: set[tuple[str, bool]] = field(default_factory=set)  # refunds and mails of which word went out

    def trouble(self, at: str, call: str, *, refuses: bool) -> None:
        """Let the next call of this kind fail."""
        away, refused = (
            UnavailableError("The double", "out for lunch"),
            RefusedError("The double", "not today"),
        )
        getattr(self.shop, at).weather.fail(call, refused if refuses else away)

    # Customers.

    def begin(self, photos: int) -> None:
        """Somebody sends photos and asks for the checkout."""
        self.sessions.append(self.shop.upload())
        with suppress(UnavailableError):
            self.shop.add(self.sessions[-1], *(b"portrait of %d" % number for number in range(photos)))
        self.open_checkout(self.sessions[-1])

    def open_checkout(self, session_id: UploadSessionId) -> None:
        """A customer comes back to pay; the page they had may have run out."""
        with suppress(ShopError):
            checkout = self.shop.checkout(session_id)
            if checkout not in self.checkouts:
                self.checkouts.append(checkout)

    def standing(self, *standings: CheckoutStanding) -> list[str]:
        """The checkouts that stand so at the provider."""
        return [one for one in self.checkouts if self.shop.payments.states[one].standing in standings]

    def pay(self, checkout: str, *, later: bool, amount: int | None) -> None:
        """Pay, at once or by a method that takes days; perhaps another amount than was asked for."""
        pay = self.shop.payments.pay_later if later else self.shop.payments.pay
        payment = self.shop.payments.payments[pay(checkout)]
        if amount is not None and not later:
            payment.paid = replace(payment.paid, amount=amount)
            told = replace(self.shop.payments.states[checkout].checkout, paid=payment.paid)
            self.shop.payments.states[checkout] = CheckoutState(standing=CheckoutStanding.PAID, checkout=told)
        self._post_checkout(checkout, NoticeKind.PENDING if later else NoticeKind.PAID)

    def settle(self, checkout: str, *, has_failed: bool) -> None:
        """Money that took days arrives, or will never come."""
        self.shop.payments.settle(checkout, has_failed=has_failed)
        self._post_checkout(checkout, NoticeKind.ABANDONED if has_failed else NoticeKind.PAID)

    def expire(self, checkout: str) -> None:
        """A page that nobody paid on closes."""
        self.shop.payments.expire(checkout)
        self._post_checkout(checkout, NoticeKind.ABANDONED)

    # Banks and the provider's dashboard.

    def payments(self) -> list[Payment]:
        """The payments whose money is there."""
        paid = self.standing(CheckoutStanding.PAID)
        return [one for one in self.shop.payments.payments.values() if one.checkout_session_id in paid]

    def refund_by_hand(self, payment: Payment, amount: int) -> None:
        """Somebody pays back in the dashboard, as far as there is something left."""
        if self.left_of(payment) and not self.is_disputed(payment):
            self.shop.payments.refund_by_hand(payment.payment_intent_id, min(amount, self.left_of(payment)))

    def dispute(self, payment: Payment) -> None:
        """A customer's bank takes what is left of a payment, for the time being."""
        if self.is_disputed(payment) or not self.left_of(payment):
            return
        opened = PaymentNotice(
            event_id=self._event_id(),
            event_type="charge.dispute.created",
            kind=NoticeKind.DISPUTE_OPENED,
            payment_intent_id=payment.payment_intent_id,
            dispute_id=f"dp_{payment.payment_intent_id}",
            dispute_amount=replace(payment.paid, amount=self.left_of(payment)),
            reason="fraudulent",
        )
        self.disputes[payment.payment_intent_id] = opened
        self.posted.append(opened)

    def decide(self, payment: Payment, outcome: DisputeOutcome) -> None:
        """The bank decides; what it keeps is as good as paid back."""
        opened = self.disputes[payment.payment_intent_id]
        if opened.outcome is not None:
            return
        closed = replace(opened, event_id=self._event_id(), kind=NoticeKind.DISPUTE_CLOSED, outcome=outcome)
        self.disputes[payment.payment_intent_id] = closed
        self.posted.append(closed)

    def is_disputed(self, payment: Payment) -> bool:
        """Whether the provider pays nothing back, because a bank has its hand on the money or kept it."""
        known = self.disputes.get(payment.payment_intent_id)
        return known is not None and known.outcome is not DisputeOutcome.WON

    def left_of(self, payment: Payment) -> int:
        """What of a payment is still the shop's, in minor units."""
        lost = self.disputes.get(payment.payment_intent_id)
        is_lost = lost is not None and lost.outcome is DisputeOutcome.LOST
        taken = lost.dispute_amount if is_lost and lost is not None else None
        return payment.left - (taken.amount if taken is not None else 0)

    # What providers post.

    def hear(self, number: int, *, again: bool = False) -> None:
        """Take in something that was posted, or once more what was heard; what cannot be taken in comes again."""
        notices = self.heard if again else self.posted
        notice = notices[number % len(notices)]
        if isinstance(notice, MailNotice):
            self.shop.mail_desk.take([notice])
        else:
            with suppress(UnavailableError):
                self.shop.paying.take(notice, sha256_of(notice.event_id))
                self._was_heard(notice)
            return
        self._was_heard(notice)

    def _was_heard(self, notice: PaymentNotice | MailNotice) -> None:
        if notice in self.posted:
            self.posted.remove(notice)
            self.heard.append(notice)

    def post(self) -> None:
        """Have the provider say what became of refunds."""
        for payment in self.shop.payments.payments.values():
            for wish, made in payment.refunds:
                for has_failed in {False, made.has_failed}:
                    if (made.provider_refund_id, has_failed) in self.told:
                        continue
                    self.told.add((made.provider_refund_id, has_failed))
                    ours = wish.refund_id if wish.order_id is not None else None
                    self.posted.append(
                        PaymentNotice(
                            event_id=self._event_id(),
                            event_type="refund.updated",
                            kind=NoticeKind.REFUND_FAILED if has_failed else NoticeKind.REFUND_ISSUED,
                            payment_intent_id=payment.payment_intent_id,
                            refund=replace(made, has_failed=has_failed),
                            refund_id=ours,
                        )
                    )

    def post_mail(self, message_id: str, fate: MailFate) -> None:
        """Have the mail provider say what became of a mail."""
        mail = self.shop.mailer.mailbox[message_id]
        self.posted.append(
            MailNotice(
                event_id=f"{message_id}:{fate}",
                email_id=mail.email_id,
                order_id=mail.order_id,
                message_id=message_id,
                fate=fate,
            )
        )

    # The shop at work.

    def work(self, pieces: int) -> None:
        """Do some of what is waiting."""
        for _ in range(pieces):
            if self.shop.queue.waiting:
                self.shop.perform(self.shop.queue.waiting.popleft())

    def live_a_while(self) -> None:
        """Hear all that was posted, do what is waiting, and end the predictions that this began."""
        self.post()
        for _ in range(len(self.posted)):
            self.hear(0)
        self.work(len(self.shop.queue.waiting) + 4)
        self.shop.end_predictions()

    def crash(self, *, before_the_call: bool) -> None:
        """A worker dies with work in its hands, before it called anybody or before it wrote down the answer."""
        if not self.shop.queue.waiting:
            return
        claimed = self.shop.working.claim(self.shop.queue.waiting.popleft())
        if claimed is not None and not before_the_call:
            with suppress(RuntimeError), self.shop.books_break_at_record():
                self.shop.working.perform(*claimed)

    def pass_time(self, **duration: float) -> None:
        """Time passes, and all that runs on a schedule runs."""
        self.shop.clock.advance(**duration)
        rounds: tuple[Callable[[], object], ...] = (
            self.shop.working.sweep,
            self.shop.housekeeping.tidy,
            self.shop.paying.look_after_pending,
            self.shop.matching.refund_due,
            self.shop.retaining.purge,
            self.shop.reminding.remind,
        )
        for each in rounds:
            with suppress(UnavailableError):
                each()

    # What is so.

    def orders(self) -> list[Order]:
        """Every order that began."""
        return list(self.shop.own_books.pages.orders.values())

    def history(self, order_id: OrderId) -> Iterator[e.Event]:
        """What is on record of an order."""
        return (line.event for line in self.shop.own_books.pages.streams[order_id])

    def owners(self, payment: Payment) -> int:
        """To how many orders and payments set aside a payment belongs; law 3 wants it to be one."""
        intent = payment.payment_intent_id
        orders = [one for one in self.orders() if one.payment and one.payment.payment_intent_id == intent]
        aside = [
            one
            for one in self.shop.own_books.pages.unmatched.values()
            if one.payment_intent_id == intent and one.matched_session_id is None
        ]
        return len(orders) + len(aside)

    # The end.

    def let_everything_go_well(self) -> None:
        """Nothing fails any more, whoever has to decide does so, and people let go on what waits for them."""
        for each in (self.shop.payments, self.shop.restorer, self.shop.mailer, self.shop.storage):
            each.weather = Weather()
        for checkout in self.standing(CheckoutStanding.PENDING):
            self.settle(checkout, has_failed=False)
        for payment in self.payments():
            if payment.payment_intent_id in self.disputes:
                self.decide(payment, DisputeOutcome.WON)
        for _ in range(PATIENCE):
            self._one_good_round()
            if self.is_at_rest():
                return

    def _one_good_round(self) -> None:
        self.post()
        for number in reversed(range(len(self.posted))):
            self.hear(number)
        for order in self.orders():
            if order.is_held:
                self.shop.desk.release(order.order_id, BY)
        for _ in range(4):
            self.pass_time(minutes=31)
            self.shop.work()
            self.shop.end_predictions()
        self.pass_time(days=2)

    def is_at_rest(self) -> bool:
        """Whether nobody has anything left to do."""
        self.post()
        is_over = all(one.state in TERMINAL and not one.is_held and not needed(one) for one in self.orders())
        is_settled = all(one.is_settled for one in self.shop.own_books.pages.unmatched.values())
        return is_over and is_settled and not self.posted

    def _post_checkout(self, checkout: str, kind: NoticeKind) -> None:
        self.posted.append(replace(self.shop.told(checkout, kind), event_id=self._event_id()))

    def _event_id(self) -> str:
        return f"evt_{uuid5(self.shop.ids.new(), 'event').hex}"


def part_of(money: Money, percent: int) -> int:
    """A part of an amount in minor units, one at least."""
    return max(money.amount * percent // 100, 1)
