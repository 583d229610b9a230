"""Rebuilding of orders from their payment, the storage and the e-mail provider."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from uuid import UUID

from domain.object_keys import archives_of, name_of, originals_of, results_of
from domain.order import events as e
from domain.order.deterministic_ids import download_link_id_of
from domain.order.email import EmailStatus
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import DownloadLinkId, EmailKind, ImageId, OrderId, StoredObject
from domain.ports.clock import Clock
from domain.ports.email import DeliveryStatus
from domain.ports.errors import OutsideError
from domain.ports.object_storage import ObjectDescription
from domain.ports.order_queries import REMINDER
from domain.ports.provider_listings import EmailListing
from domain.ports.unit_of_work import HasEventStore, HasOrders, UnitOfWork
from domain.signed_tokens import TokenSigner, sha256_of
from domain.use_cases.delivery.archives import ArchiveBuilder
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import Cause
from domain.use_cases.recovery.object_labels import (
    EXPIRES_AT,
    HEIGHT,
    IMAGE_ID,
    LINK_ID,
    WIDTH,
)
from domain.use_cases.recovery.own_objects import OwnObjects
from domain.use_cases.restoration.originals import OriginalsCopier
from domain.use_cases.shop_policy import ShopPolicy

#: The actor of events recorded after a restore.
ACTOR = "restore"

#: The model of a rebuilt attempt: the storage does not record it.
UNKNOWN_MODEL = "unknown"

_DELIVERED = frozenset({State.DELIVERED, State.COMPLETED})

#: The most links of an order that can have been sent; more than the shop ever issues for one.
MOST_LINKS = 50


@dataclass(frozen=True, kw_only=True)
class _Result:
    image_id: ImageId
    prediction_id: str
    restored: StoredObject
    width: int
    height: int
    stored_at: datetime


@dataclass(eq=False, kw_only=True)
class OrderRebuilding:
    """Records what the storage and the e-mail provider prove about an order.

    Only objects with this shop's signature count. Nothing is sent, refunded or deleted here.
    """

    unit_of_work: UnitOfWork[HasEventStore]
    objects: OwnObjects
    originals_copier: OriginalsCopier
    archives: ArchiveBuilder
    mails: EmailListing
    command_handler: OrderCommandHandler[HasOrders]
    token_signer: TokenSigner
    clock: Clock
    policy: ShopPolicy

    def advance(self, order_id: OrderId, incident: str) -> bool:
        """Record what the storage and the e-mail provider know beyond the log.

        Returns whether anything was recorded. ``incident`` names the restore; repeating it is idempotent.
        """
        with self.unit_of_work.transaction() as transaction:
            before = transaction.event_store.load(order_id)
        if before.payment is None:
            return False
        order = before
        for name, facts_of in (
            ("originals", self._originals),
            ("results", self._restorations),
            ("links", self._links),
            ("mails", self._emails),
        ):
            order = self._recorded(order, list(facts_of(order)), f"{incident}:{name}")
        for number in count(1):
            redos = self._redos(order)
            if not redos:
                break
            order = self._recorded(order, redos, f"{incident}:redos {number}")
            order = self._recorded(
                order, list(self._newer_links(order)), f"{incident}:links of redos {number}"
            )
            order = self._recorded(order, list(self._emails(order)), f"{incident}:mails of redos {number}")
        return order.version > before.version

    def issue_links(
        self, order: Order, link_ids: Sequence[DownloadLinkId], expires_at: datetime, incident: str
    ) -> Order:
        """Record links to the newest archive that were sent, with their e-mails."""
        issued = [self._issued(link_id, expires_at) for link_id in link_ids]
        order = self._recorded(order, issued, f"{incident}:sent links {order.version}")
        return self._with_emails(order, incident)

    def request_email(self, order: Order, kind: EmailKind, incident: str) -> Order:
        """Record an additional e-mail that was sent."""
        key = f"{incident}:sent again {order.version}"
        if kind is EmailKind.REMINDER and order.newest_link is not None:
            key = f"{REMINDER}{order.newest_link.link_id}"  # this cause tells that the link had its reminder
        requested = e.EmailRequested(email_id=order.next_email_id(kind), kind=kind)
        return self._with_emails(self._recorded(order, [requested], key), incident)

    def settle_emails(self, order_id: OrderId, incident: str) -> Order:
        """Record the outcome of the e-mails that are due."""
        with self.unit_of_work.transaction() as transaction:
            order = transaction.event_store.load(order_id)
        return self._with_emails(order, incident)

    def _with_emails(self, order: Order, incident: str) -> Order:
        return self._recorded(order, list(self._emails(order)), f"{incident}:mails {order.version}")

    def _recorded(self, order: Order, facts: Sequence[e.Event], key: str) -> Order:
        if not facts:
            return order
        cause = Cause(name="restored", key=key, actor=ACTOR, correlation_id=order.order_id)
        return self.command_handler.handle(order.order_id, facts, cause).after

    def _originals(self, order: Order) -> Iterator[e.Event]:
        """Yield the copies of the photos, if any; copy missing ones."""
        is_moved = all(image.original is not None for image in order.images.values())
        if not is_moved and any(True for _ in self.objects.under(originals_of(order.order_id))):
            yield from self.originals_copier.move_images(order)

    def _restorations(self, order: Order) -> Iterator[e.Event]:
        """Yield the start and end of the attempts behind the first results.

        Photos may have been redone or enlarged. An archive's key depends on the results in it: if there is an archive
        of the oldest results, these came first, and the others are redos. Otherwise the newest results count.
        """
        results = self._unrecorded(order)
        oldest = {result.image_id: result for result in reversed(results)}
        newest = {result.image_id: result for result in results}
        for first in (oldest, newest):
            facts = [fact for result in first.values() for fact in _attempt(order, result)]
            if first is newest or (facts and self._has_archive(self._after(order, facts))):
                yield from facts
                return

    def _redos(self, order: Order) -> list[e.Event]:
        """Return the next redos of delivered photos that an archive's key proves.

        Who requested them is unknown, so they do not count as requested by the customer, who may request another.
        """
        facts: list[e.Event] = []
        if order.state not in _DELIVERED or order.photos_are_purged:
            return facts
        after = order
        for result in self._unrecorded(order, of_delivered=True):
            redo = [e.RedoRequested(image_id=result.image_id, by_customer=False), *_attempt(after, result)]
            after = self._after(after, redo)
            facts += redo
            if self._has_archive(after):
                return facts
        return []

    def _after(self, order: Order, proposed: Sequence[e.Event]) -> Order:
        """Return the order as if these events were recorded; record nothing."""
        cause = Cause(name="restored", key="draft", actor=ACTOR, correlation_id=order.order_id)
        return self.command_handler.preview(order, proposed, cause).after

    def _has_archive(self, order: Order) -> bool:
        return self._archive_of(order) is not None

    def _archive_of(self, order: Order) -> ObjectDescription | None:
        """Return the stored archive of exactly the order's current results."""
        if not order.restored_images:
            return None
        key = self.archives.archive_key(order)
        return next(
            (each for each in self.objects.under(archives_of(order.order_id)) if each.key == key), None
        )

    def _unrecorded(self, order: Order, *, of_delivered: bool = False) -> list[_Result]:
        """Return results that no event names, oldest first.

        By default of images without a recorded result; with ``of_delivered``, of images with one.
        """
        found: list[_Result] = []
        for described in self.objects.under(results_of(order.order_id)):
            labels = described.labels
            image_id = ImageId(UUID(labels[IMAGE_ID])) if IMAGE_ID in labels else None
            image = order.images.get(image_id) if image_id is not None else None
            if image_id is None or image is None or not {WIDTH, HEIGHT} <= set(labels):
                continue
            if bool(image.results) is not of_delivered or any(
                each.key == described.key for each in image.results
            ):
                continue
            result = _Result(
                image_id=image_id,
                prediction_id=name_of(described.key),
                restored=self.objects.recorded(described, described.key),
                width=int(labels[WIDTH]),
                height=int(labels[HEIGHT]),
                stored_at=described.stored_at,
            )
            found.append(result)
        return sorted(found, key=lambda result: (result.stored_at, result.prediction_id))

    def _links(self, order: Order) -> Iterator[e.Event]:
        """Yield the first archive with the first link, then its further links.

        A link's token is derived from its id, so links in e-mails already sent work again.
        """
        archives = sorted(self.objects.under(archives_of(order.order_id)), key=lambda each: each.stored_at)
        if not archives or order.links or not order.restored_images:
            return
        proven = self._archive_of(order)
        archive = proven or archives[-1]
        ids = _link_ids(order)
        minted = {each.labels.get(LINK_ID) for each in ([proven] if proven else archives)}
        last = max((place for place, link_id in enumerate(ids) if str(link_id) in minted), default=0)
        yield self._prepared(order, archive, ids[0])
        for link_id in ids[1 : last + 1]:
            yield self._issued(link_id, self._expiry(archive))

    def _newer_links(self, order: Order) -> Iterator[e.Event]:
        """Yield an archive made after a redo, with its link.

        Links that were issued before it come first.
        """
        archive = self._archive_of(order)
        if archive is None or order.has_current_archive or not order.links:
            return
        ids = _link_ids(order)
        place = next((n for n, link_id in enumerate(ids) if str(link_id) == archive.labels.get(LINK_ID)), -1)
        if place < len(order.links):
            return  # its label names no later link: a new one is issued in the usual way
        for link_id in ids[len(order.links) : place]:
            yield self._issued(link_id, self._expiry(archive))
        yield self._prepared(order, archive, ids[place])

    def _prepared(
        self, order: Order, archive: ObjectDescription, link_id: DownloadLinkId
    ) -> e.DownloadPrepared:
        return e.DownloadPrepared(
            link_id=link_id,
            archive=self.objects.recorded(archive, archive.key),
            image_ids=tuple(image.image_id for image in order.restored_images),
            token_sha256=sha256_of(self.token_signer.download_token(link_id)),
            expires_at=self._expiry(archive),
            edition=order.archive_revision,
        )

    def _issued(self, link_id: DownloadLinkId, expires_at: datetime) -> e.DownloadLinkIssued:
        return e.DownloadLinkIssued(
            link_id=link_id,
            token_sha256=sha256_of(self.token_signer.download_token(link_id)),
            expires_at=expires_at,
        )

    def _expiry(self, archive: ObjectDescription) -> datetime:
        expiry = archive.labels.get(EXPIRES_AT)
        return (
            datetime.fromisoformat(expiry)
            if expiry
            else self.clock.now() + self.policy.delivery.link_lifetime
        )

    def _emails(self, order: Order) -> Iterator[e.Event]:
        """Yield the outcome of due e-mails, which may have been sent.

        The provider confirms that, or the e-mail counts as unconfirmed.
        """
        for email in order.emails.values():
            if email.status is not EmailStatus.DUE:
                continue
            carried = None
            with suppress(OutsideError):  # an unavailable or closed account confirms none
                carried = self.mails.find(email.email_id)
            if carried is not None and carried.fate is DeliveryStatus.ACCEPTED:
                yield e.EmailSent(email_id=email.email_id, kind=email.kind, message_id=carried.message_id)
            else:
                yield e.EmailUnconfirmed(email_id=email.email_id, kind=email.kind)


def _link_ids(order: Order) -> list[DownloadLinkId]:
    return [download_link_id_of(order.order_id, sequence) for sequence in range(1, MOST_LINKS + 1)]


def _attempt(order: Order, result: _Result) -> Iterator[e.Event]:
    image = order.images[result.image_id]
    attempt = image.running.number if image.running is not None else image.next_attempt
    yield e.RestorationStarted(
        image_id=result.image_id,
        attempt=attempt,
        prediction_id=result.prediction_id,
        model=UNKNOWN_MODEL,
    )
    yield e.RestorationCompleted(
        image_id=result.image_id,
        attempt=attempt,
        prediction_id=result.prediction_id,
        restored=result.restored,
        width=result.width,
        height=result.height,
    )
