"""Rebuilding of archives and their download links from the storage."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from domain.object_keys import archives_of
from domain.order import events as e
from domain.order.deterministic_ids import download_link_id_of
from domain.order.order import Order
from domain.order.values import DownloadLinkId
from domain.ports.clock import Clock
from domain.ports.object_storage import ObjectDescription
from domain.signed_tokens import TokenSigner, sha256_of
from domain.use_cases.delivery.archives import ArchiveBuilder
from domain.use_cases.recovery.object_labels import EXPIRES_AT, LINK_ID
from domain.use_cases.recovery.own_objects import OwnObjects
from domain.use_cases.shop_policy import ShopPolicy

#: The most links of an order that can have been sent; more than the shop ever issues for one.
MOST_LINKS = 50


@dataclass(eq=False, kw_only=True)
class ArchiveRebuilding:
    """Infers archives and their links from archives that no event names."""

    objects: OwnObjects
    builder: ArchiveBuilder
    token_signer: TokenSigner
    clock: Clock
    policy: ShopPolicy

    def first_links(self, order: Order) -> Iterator[e.Event]:
        """Yield the first archive with the first link, then its further links.

        A link's token is derived from its id, so links in e-mails already sent work again.
        """
        archives = sorted(self.objects.under(archives_of(order.order_id)), key=lambda each: each.stored_at)
        if not archives or order.links or not order.restored_images:
            return
        proven = self.archive_of(order)
        archive = proven or archives[-1]
        ids = _link_ids(order)
        minted = {each.labels.get(LINK_ID) for each in ([proven] if proven else archives)}
        last = max((place for place, link_id in enumerate(ids) if str(link_id) in minted), default=0)
        yield self._prepared(order, archive, ids[0])
        for link_id in ids[1 : last + 1]:
            yield self.issued_link(link_id, self._expiry(archive))

    def newer_links(self, order: Order) -> Iterator[e.Event]:
        """Yield an archive made after a redo, with its link.

        Links that were issued before it come first.
        """
        archive = self.archive_of(order)
        if archive is None or order.has_current_archive or not order.links:
            return
        ids = _link_ids(order)
        place = next((n for n, link_id in enumerate(ids) if str(link_id) == archive.labels.get(LINK_ID)), -1)
        if place < len(order.links):
            return  # its label names no later link: a new one is issued in the usual way
        for link_id in ids[len(order.links) : place]:
            yield self.issued_link(link_id, self._expiry(archive))
        yield self._prepared(order, archive, ids[place])

    def issued_link(self, link_id: DownloadLinkId, expires_at: datetime) -> e.DownloadLinkIssued:
        """Return the event of a link to the newest archive."""
        return e.DownloadLinkIssued(
            link_id=link_id,
            token_sha256=sha256_of(self.token_signer.download_token(link_id)),
            expires_at=expires_at,
        )

    def archive_of(self, order: Order) -> ObjectDescription | None:
        """Return the stored archive of exactly the order's current results."""
        if not order.restored_images:
            return None
        key = self.builder.archive_key(order)
        return next(
            (each for each in self.objects.under(archives_of(order.order_id)) if each.key == key), None
        )

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

    def _expiry(self, archive: ObjectDescription) -> datetime:
        expiry = archive.labels.get(EXPIRES_AT)
        return (
            datetime.fromisoformat(expiry)
            if expiry
            else self.clock.now() + self.policy.delivery.link_lifetime
        )


def _link_ids(order: Order) -> list[DownloadLinkId]:
    return [download_link_id_of(order.order_id, sequence) for sequence in range(1, MOST_LINKS + 1)]
