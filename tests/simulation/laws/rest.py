"""What must hold when a world has come to rest: the books agree with every provider's."""

from collections import Counter
from typing import TYPE_CHECKING

from domain.order import events as e
from domain.order.deterministic_ids import note_of_payment_by_hand
from domain.order.evolve import fold
from domain.order.ledger import RefundStatus
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import CustomerId, PointsReason
from domain.ports.payments import CheckoutStatus
from domain.signed_tokens import sha256_of
from tests.domain.support.laws import check_completion, check_mails, objects_named_in
from tests.doubles.container import token_in
from tests.doubles.payments import Payment
from tests.laws.sentences import check_timeline
from tests.simulation.laws.errors import LawBrokenError
from tests.simulation.privacy_and_payment_requests import corrected

if TYPE_CHECKING:
    from tests.simulation.world import World


def unsettled_checkouts(world: "World") -> list[str]:
    """What was paid and belongs to nobody yet."""
    pages = world.own_unit_of_work.pages
    known = {one.payment.checkout_session_id for one in pages.orders.values() if one.payment}
    return [
        checkout
        for checkout, state in world.payments.states.items()
        if state.status is CheckoutStatus.PAID and checkout not in known and checkout not in pages.unmatched
    ]


def check_at_rest(world: "World") -> None:
    """Everything that two ledgers can be compared about."""
    _check_streams(world)
    _check_payments(world)
    _check_orders_were_paid(world)
    _check_orders(world)
    _check_objects(world)
    _check_mails(world)
    _check_letters(world)
    _check_timelines(world)
    _check_tokens(world)
    _check_points(world)
    _check_forgotten(world)


def _check_streams(world: "World") -> None:
    """Laws 1 and 2, once more and from the first event on."""
    pages = world.own_unit_of_work.pages
    for order_id, stream in pages.streams.items():
        if [recorded.version for recorded in stream] != list(range(1, len(stream) + 1)):
            raise LawBrokenError(1, "The versions have a gap.", order_id)
        if fold(order_id, stream) != pages.orders[order_id]:
            raise LawBrokenError(2, "The order on the shelf is not what its stream tells.", order_id)


def _paid(world: "World") -> list[Payment]:
    """The payments whose money is there."""
    states = world.payments.states
    return [
        one
        for one in world.payments.payments.values()
        if states[one.checkout_session_id].status is CheckoutStatus.PAID
    ]


def _check_payments(world: "World") -> None:
    """Laws 3 and 4, at the provider."""
    pages = world.own_unit_of_work.pages
    for payment in _paid(world):
        intent = payment.payment_intent_id
        orders = [
            one for one in pages.orders.values() if one.payment and one.payment.payment_intent_id == intent
        ]
        aside = [
            one
            for one in pages.unmatched.values()
            if one.payment_intent_id == intent and one.matched_session_id is None
        ]
        if len(orders) + len(aside) != 1:
            raise LawBrokenError(
                3, f"A payment belongs to {len(orders)} orders and {len(aside)} set aside.", intent
            )
        if payment.left < 0:
            raise LawBrokenError(4, f"{-payment.left} more went back than was paid.", intent, *_ids(orders))
        lost = sum(
            told.dispute_amount.amount
            if told.dispute_amount.currency == payment.paid.currency
            else payment.paid.amount
            for told in world.disputes.values()
            if told.payment_intent_id == intent and told.outcome == "lost" and told.dispute_amount
        )
        back = payment.paid.amount - payment.left
        by_hand = sum(map(_paid_by_hand, orders))
        if orders and orders[0].ledger.issued - by_hand != back:
            raise LawBrokenError(
                4,
                f"The log says {orders[0].ledger.issued} went back, the provider {back}.",
                intent,
                *_ids(orders),
            )
        if aside and back + lost < payment.paid.amount:
            raise LawBrokenError(3, f"{payment.paid.amount - back - lost} without an order is kept.", intent)


def _check_orders_were_paid(world: "World") -> None:
    """Law 3, from the log's side: each order's money is at the provider, as much as the log says."""
    for order in world.own_unit_of_work.pages.orders.values():
        if order.payment is None:
            continue
        state = world.payments.states.get(order.payment.checkout_session_id)
        if state is None or state.status is not CheckoutStatus.PAID:
            raise LawBrokenError(3, "An order was never paid.", order.order_id)
        at_provider = world.payments.payments.get(state.checkout.payment_intent_id or "")
        paid = at_provider.paid.amount if at_provider else 0
        if (order.payment.payment_intent_id, order.paid_amount) != (state.checkout.payment_intent_id, paid):
            raise LawBrokenError(
                3, f"The log says {order.paid_amount} was paid, the provider {paid}.", order.order_id
            )


def _paid_by_hand(order: Order) -> int:
    """What a person paid back another way: the provider knows nothing of it."""
    return sum(
        refund.amount.amount
        for refund in order.ledger.having(RefundStatus.ISSUED)
        if refund.provider_refund_id and note_of_payment_by_hand(refund.provider_refund_id)
    )


def _check_orders(world: "World") -> None:
    """Law 5, and one mail per outcome."""
    pages = world.own_unit_of_work.pages
    for order in pages.orders.values():
        try:
            check_completion(order)
        except AssertionError as broken:
            raise LawBrokenError(
                5, "A paid photo is neither delivered nor refunded.", order.order_id
            ) from broken
        try:
            check_mails(order, [recorded.event for recorded in pages.streams[order.order_id]])
        except AssertionError as broken:
            raise LawBrokenError(
                9, "More mails were due than there were outcomes.", order.order_id
            ) from broken


def _check_objects(world: "World") -> None:
    """Law 8: what the log names is there as recorded."""
    pages = world.own_unit_of_work.pages
    for order in pages.orders.values():
        if order.photos_are_purged or order.state is State.ERASED:
            continue
        for stored in objects_named_in(recorded.event for recorded in pages.streams[order.order_id]):
            if stored.key in world.storage.spoiled:
                continue  # the world took it away, the shop did not
            content = world.storage.objects.get(stored.key)
            if content is None or sha256_of(content) != stored.sha256:
                what = "missing" if content is None else "changed"
                raise LawBrokenError(8, f"{stored.key} is {what}.", order.order_id)


def _check_mails(world: "World") -> None:
    """Law 9: accepted once, or ambiguous with the resend on record."""
    accepted = Counter(mail.email_id for mail in world.mailer.mailbox.values())
    pages = world.own_unit_of_work.pages
    for order in pages.orders.values():
        history = [recorded.event for recorded in pages.streams[order.order_id]]
        for event in history:
            if isinstance(event, e.EmailSent) and not accepted[event.email_id]:
                raise LawBrokenError(
                    9, "A mail is on record as sent that was never accepted.", order.order_id
                )
        told = {
            one.email_id
            for one in history
            if isinstance(one, (e.EmailSent, e.EmailUnconfirmed, e.EmailBounced))
        }
        for mail in world.mailer.mailbox.values():
            if mail.order_id == order.order_id and mail.email_id not in told:
                raise LawBrokenError(
                    9, "A mail was accepted, and nothing is on record of it.", order.order_id
                )
        for email_id in order.emails:
            doubts = sum(isinstance(one, e.EmailUnconfirmed) and one.email_id == email_id for one in history)
            reopened = sum(isinstance(one, e.EmailFailed) and one.email_id == email_id for one in history)
            # Each time a person has it tried again, it may be in doubt once more, and be sent once more for that.
            rounds = 1 + reopened
            if accepted[email_id] > rounds + min(doubts, rounds):
                raise LawBrokenError(
                    9,
                    f"A mail was accepted {accepted[email_id]} times, and {doubts + reopened} doubts are on record.",
                    order.order_id,
                    email_id,
                )


def _check_letters(world: "World") -> None:
    """Laws 9 and 10: each mail went to its order's customer, and its link is its order's."""
    pages = world.own_unit_of_work.pages
    for mail in world.mailer.mailbox.values():
        order = pages.orders[mail.order_id]
        customer = pages.customers.get(order.payment.customer_id) if order.payment else None
        if customer is not None and customer.email not in {mail.to, corrected(mail.to)}:
            raise LawBrokenError(9, "A mail went to somebody else.", order.order_id, mail.email_id)
        token = token_in(mail.content)
        if token and sha256_of(token) not in {link.token_sha256 for link in order.links.values()}:
            raise LawBrokenError(
                10, "A mail brings a link that is not its order's.", order.order_id, mail.email_id
            )


def _check_timelines(world: "World") -> None:
    """Law 13: each line of a timeline, and with it of the evidence, is earned by the events up to its own."""
    for order_id, stream in world.own_unit_of_work.pages.streams.items():
        try:
            check_timeline(stream)
        except AssertionError as broken:
            raise LawBrokenError(13, str(broken), order_id) from broken


def _check_tokens(world: "World") -> None:
    """Law 10: only a token's hash is stored."""
    pages = world.own_unit_of_work.pages
    for order_id, order in pages.orders.items():
        written = repr(pages.streams[order_id]) if order.links else ""
        for link_id in order.links:
            if world.token_signer.download_token(link_id) in written:
                raise LawBrokenError(10, "A token stands in the log.", order_id)


def _check_points(world: "World") -> None:
    """Law 4, of points: nobody spends more than ever came to them."""
    sums: Counter[CustomerId] = Counter()
    for order in world.own_unit_of_work.pages.orders.values():
        for entry in order.points:
            if entry.reason is not PointsReason.TAKEN_BACK:  # after it was spent that leaves a debt
                sums[entry.customer_id] += entry.points
    for customer_id, points in sums.items():
        if points < 0:
            raise LawBrokenError(4, f"{-points} points more were spent than there were.", str(customer_id))


def _check_forgotten(world: "World") -> None:
    """Laws 7 and 8: of a person who is forgotten there is nothing left."""
    pages = world.own_unit_of_work.pages
    for erasure in pages.erasures.values():
        if erasure.customer_id in pages.customers:
            raise LawBrokenError(8, "A customer who was forgotten is in the books.", str(erasure.customer_id))
    for order in pages.orders.values():
        if order.state is State.ERASED:
            left = [key for key in world.storage.objects if str(order.order_id) in key]
            if left:
                raise LawBrokenError(8, f"{left[0]} outlives its order, which is erased.", order.order_id)


def check_after_retention(world: "World") -> None:
    """Laws 7 and 8: what was kept for long enough is gone, and nothing else is left of it."""
    for order in world.own_unit_of_work.pages.orders.values():
        if not (order.photos_are_purged or order.state is State.ERASED):
            raise LawBrokenError(
                7, f"An order that is {order.state} keeps its photos for ever.", order.order_id
            )
    left = sorted(world.storage.objects)
    if left:
        raise LawBrokenError(8, f"{len(left)} objects outlive their time, {left[0]} among them.", left[0])


def _ids(orders: list[Order]) -> list[str]:
    return [str(one.order_id) for one in orders]
