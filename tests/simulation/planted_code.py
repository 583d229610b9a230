"""Broken variants of the shop's code, as a developer might write them.

``planted`` puts them in place.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from adapters.localization import timeline_text
from adapters.postgres import read_models
from domain.order import events as e
from domain.order.order import Order
from domain.order.reactions import SendEmail
from domain.order.values import CustomerId, MovedImage, ObjectKey, OrderNumber, PointsReason
from domain.ports.customers import Customer
from domain.ports.errors import ForgedMessageError, UnavailableError
from domain.ports.event_store import Commit
from domain.ports.reaction_queue import ScheduledReaction
from domain.referral_program import Spending
from domain.signed_tokens import sha256_of
from domain.use_cases import order_transaction
from domain.use_cases.checkout.referrals_and_points import ReferralProgram
from domain.use_cases.delivery.downloads import Delivery, DownloadService, UnknownLinkError
from domain.use_cases.delivery.emails import EmailSender
from domain.use_cases.payments.order_placement import OrderPlacement, PaidCheckout
from domain.use_cases.privacy.photo_deletion import PhotoDeletion
from domain.use_cases.reaction_runner import ReactionRunner
from domain.use_cases.restoration.originals import OriginalsCopier
from tests.doubles import reaction_table
from tests.doubles.customers import InMemoryCustomers
from tests.doubles.reaction_table import InMemoryReactionTable
from tests.simulation.webhook_delivery import SignedPaymentWebhooks


def no_lock(*_: object) -> None:
    """Lock nothing and check nothing."""


def forgets_links(before: Order, after: Order) -> Any:
    changed = read_models.changed_rows(before, after)
    return {table: rows for table, rows in changed.items() if table != "download_links"}


def pays_under_a_new_key(payments: Any, request: Any, *, waited: Any) -> Any:
    del waited
    pays_under_a_new_key.count += 1  # type: ignore[attr-defined]
    return payments.issue_refund(
        replace(request, idempotency_key=f"{request.idempotency_key}:{pays_under_a_new_key.count}")  # type: ignore[attr-defined]
    )


pays_under_a_new_key.count = 0  # type: ignore[attr-defined]


def held_by_any_worker(self: InMemoryReactionTable, claim: Any) -> Any:
    return self._work[claim.reaction_id]


_as_leased = order_transaction._as_leased  # noqa: SLF001 -- the bug is in a private function
_written = reaction_table._written  # noqa: SLF001 -- the bug is in a private function


def writes_no_claim(scheduled: ScheduledReaction) -> reaction_table.Work:
    """Schedule a reaction as if no claim came with it."""
    return _written(replace(scheduled, claim=None))


def goes_on_unclaimed(commit: Commit, _: Collection[UUID]) -> Commit:
    """Take every claim of a commit as leased."""
    return _as_leased(commit, {each.reaction_id for each in commit.reactions if each.claim})


def moves_without_copying(self: OriginalsCopier, order: Order) -> Sequence[e.Event]:
    """Record the images as moved even if the copy failed."""
    moved = []
    for image in order.images.values():
        target = ObjectKey(f"uploads/originals/{order.order_id}/{image.image_id}")
        with suppress(UnavailableError):  # "it will have worked"
            self._storage.copy(image.upload, target)
        moved.append(MovedImage(image_id=image.image_id, original=replace(image.upload, key=target)))
    return [e.ImagesMoved(images=tuple(moved))]


_payment = OrderPlacement._payment  # noqa: SLF001 -- the bug is in a private method


def receives_what_was_quoted(
    self: OrderPlacement, purchase: PaidCheckout, customer_id: CustomerId, number: OrderNumber
) -> e.PaymentReceived:
    """Trust the quote instead of the amount that the provider reports."""
    due = purchase.quoted - purchase.checkout.discount
    paid = replace(purchase, checkout=replace(purchase.checkout, paid=due))
    return _payment(self, paid, customer_id, number)


def spends_what_is_gone(
    _self: ReferralProgram, _transaction: Any, _paid: Any, spending: Spending
) -> e.PointsDebited:
    """Debit points without checking the balance."""
    return e.PointsDebited(
        customer_id=spending.customer_id, points=spending.points, reason=PointsReason.SPENT
    )


def finds_the_first(self: InMemoryCustomers, customer_id: CustomerId, **_: Any) -> Customer | None:
    """Return the first customer on record, whichever was looked up."""
    known = list(self._pages.customers.values())
    return known[0] if customer_id in self._pages.customers else None


class NeverRaisedError(Exception):
    """Takes the place of LostReplyError, so that lost replies count as outages."""


def claims_and_forgets(self: ReactionRunner, reaction_id: Any) -> Any:
    """Begin work on a claim that is not committed."""
    try:
        with self.unit_of_work.transaction() as transaction:
            claim = transaction.reactions.claim(
                reaction_id, self.ids.new(), self.clock.now(), self.policy.work.lease
            )
            if claim is None:
                return None
            order = transaction.event_store.load(claim.order_id)
            raise NeverRaisedError  # noqa: TRY301 -- to roll back is the point
    except NeverRaisedError:
        return claim, order


def opens_whatever_has_a_token(self: DownloadService, token: str) -> Any:
    """Open a link without checking its expiry."""
    fingerprint = sha256_of(token)
    with self.unit_of_work.transaction() as transaction:
        order = transaction.event_store.load_by_token(fingerprint)
    links = order.links.values() if order else ()
    link = next((link for link in links if link.token_sha256 == fingerprint), None)
    if order is None or link is None or order.photos_are_purged:
        raise UnknownLinkError
    return order, link


_find = DownloadService.find


def finds_any_image(self: Any, token: str, image_id: Any = None, *, earlier: int = 0) -> Delivery:
    """Find an image by its id alone."""
    try:
        return _find(self, token, image_id, earlier=earlier)
    except UnknownLinkError:
        order, link = self.open(token)
        with self.unit_of_work.transaction() as transaction:
            for line in transaction.order_queries.newest(1000):
                other = transaction.event_store.load(line.order_id)
                image = other.images.get(image_id)
                if image is not None and image.results:
                    return Delivery(
                        order_id=order.order_id,
                        link=link,
                        image_id=image_id,
                        content=image.results[0],
                        file_name="a.png",
                    )
        raise


def sends_nothing(_self: EmailSender, _order: Order, work: SendEmail, **_: Any) -> Sequence[e.Event]:
    """Record a mail as sent without sending it."""
    return [e.EmailSent(email_id=work.email_id, kind=work.kind, message_id="message")]


def believes(self: SignedPaymentWebhooks, body: bytes, _headers: object) -> Any:
    """Accept whatever can be parsed, without checking its signature."""
    webhook_event = self.postman.webhook_events.get(body.decode())
    if webhook_event is None:
        raise ForgedMessageError("A provider", "it says nothing")
    return webhook_event


_empty = PhotoDeletion.empty


def empties_by_the_clock(self: PhotoDeletion, order: Order) -> int:
    """Delete only what the retention period allows, whatever the reason for deletion."""
    return _empty(self, order) if order.photos_are_purged else 0


def says_it_was_fetched(order: Order) -> str:
    """Report sent links as downloads."""
    return f"the customer fetched {len(order.images)} files through the link to all photos"


#: Sentences that report an accepted refund as paid.
PREMATURE_SENTENCES = {
    **timeline_text._SENTENCES,  # noqa: SLF001 -- the bug is in a private table
    e.RefundAccepted: lambda event, _: f"{event.amount} was refunded to the customer.",
}


def opens_nothing(*_: object, **__: object) -> Any:
    """Open no link at all."""
    raise UnknownLinkError
