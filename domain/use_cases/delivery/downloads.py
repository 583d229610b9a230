"""Download links, and the files that they give access to."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.order import events as e
from domain.order.actors import CUSTOMER, VISITOR
from domain.order.commands import IssueLink
from domain.order.deterministic_ids import download_link_id_of
from domain.order.download_link import DownloadLink
from domain.order.errors import ShopError
from domain.order.order import Order
from domain.order.states import State
from domain.order.values import (
    Client,
    ImageId,
    OrderId,
    StoredObject,
)
from domain.ports.clock import Clock
from domain.ports.unit_of_work import HasEventStore, HasOrders, HasUploadSessions, UnitOfWork
from domain.signed_tokens import TokenSigner, sha256_of
from domain.use_cases.delivery.result_names import file_stems, result_name
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import Cause
from domain.use_cases.shop_policy import ShopPolicy


class DownloadRepositories(HasEventStore, HasUploadSessions, Protocol):
    """The repositories that downloads read."""


class UnknownLinkError(ShopError):
    """No link has this token, or its order has no such image."""

    def __init__(self) -> None:
        super().__init__(
            "This link is not known: open the newest link from our e-mail, whole and unchanged. If this is the newest "
            "one, answer the e-mail, and a person will help you."
        )


class LinkExpiredError(ShopError):
    """The link has expired, or its photos were deleted.

    ``is_renewable`` is False once the photos are deleted, so that no link can open them.
    """

    def __init__(self, order_id: OrderId, *, is_shared: bool = False, is_renewable: bool = True) -> None:
        self.order_id = order_id
        self.is_shared = is_shared
        self.is_renewable = is_renewable
        super().__init__(
            "This link has expired: have a new one sent to the address on file, or answer the e-mail it came with, and "
            "a person will help you."
            if is_renewable
            else "The photos behind this link are deleted, so no other link can open them: write to the shop if you "
            "have a question."
        )


class LinkRevokedError(ShopError):
    """The link was revoked by a staff member."""

    def __init__(self, order_id: OrderId, *, is_shared: bool = False) -> None:
        self.order_id = order_id
        self.is_shared = is_shared
        super().__init__(
            "This link was withdrawn: open the newest link from our e-mail, or answer it, and a person will help you."
        )


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A file that a customer may download now.

    ``image_id`` is None for the archive.
    """

    order_id: OrderId
    link: DownloadLink
    image_id: ImageId | None
    content: StoredObject
    file_name: str


@dataclass(eq=False, kw_only=True)
class DownloadService:
    """Issue and open download links, and record their use."""

    unit_of_work: UnitOfWork[DownloadRepositories]
    command_handler: OrderCommandHandler[HasOrders]
    token_signer: TokenSigner
    clock: Clock
    policy: ShopPolicy

    def new_link(self, order: Order) -> IssueLink:
        """The command to issue another link to the newest archive.

        The first link of an archive is made with it, in ``archives``.
        """
        link_id = download_link_id_of(order.order_id, len(order.links) + 1)
        return IssueLink(
            link_id=link_id,
            token_sha256=sha256_of(self.token_signer.download_token(link_id)),
            expires_at=self.clock.now() + self.policy.delivery.link_lifetime,
        )

    def open(self, token: str) -> tuple[Order, DownloadLink]:
        """The order and link of a token.

        Raises UnknownLinkError, LinkRevokedError or LinkExpiredError.
        """
        fingerprint = sha256_of(token)
        with self.unit_of_work.transaction() as transaction:
            order = transaction.event_store.load_by_token(fingerprint)
        links = order.all_links.values() if order else ()
        link = next((link for link in links if link.token_sha256 == fingerprint), None)
        if order is None or link is None:
            raise UnknownLinkError
        if link.is_revoked:
            raise LinkRevokedError(order.order_id, is_shared=link.is_shared)
        is_kept = not (order.photos_are_purged or order.state is State.ERASED)
        if link.expires_at <= self.clock.now() or not is_kept:
            raise LinkExpiredError(order.order_id, is_shared=link.is_shared, is_renewable=is_kept)
        return order, link

    def find(self, token: str, image_id: ImageId | None = None, *, earlier: int = 0) -> Delivery:
        """The archive or one image that a token gives access to.

        ``earlier`` selects an image's result by the number of later results, 0 for the newest. Raises what ``open``
        raises, and UnknownLinkError for an image or result that does not exist.
        """
        order, link = self.open(token)
        if order.payment is None:
            raise UnknownLinkError
        if image_id is None:
            name = f"restored-photos-{order.payment.order_number}.zip"
            newest = order.newest_link if link.is_shared else None
            content = (newest or link).archive  # others see what the customer sees now
        else:
            image = order.images.get(image_id)
            if image is None or not 0 <= earlier < len(image.results):
                raise UnknownLinkError
            content = image.results[earlier]
            name = result_name(earlier, content, file_stems(self.unit_of_work, order)[image_id])
        return Delivery(
            order_id=order.order_id, link=link, image_id=image_id, content=content, file_name=name
        )

    def record_served(self, delivery: Delivery, client: Client, request_id: UUID) -> None:
        """Record that a file was sent, once per file and link."""
        if delivery.image_id in delivery.link.served:
            return
        served = e.ResultServed(link_id=delivery.link.link_id, image_id=delivery.image_id, client=client)
        self.command_handler.handle(
            delivery.order_id, [served], _cause("served", delivery, actor=VISITOR, request_id=request_id)
        )

    def record_download(self, delivery: Delivery, client: Client, request_id: UUID) -> None:
        """Record a click on a download button, once per file and link.

        Through a link for others it is not the customer's click: the file counts as served.
        """
        if delivery.link.is_shared:
            self.record_served(delivery, client, request_id)
            return
        if delivery.image_id in delivery.link.fetched:
            return
        fetched = e.ResultDownloaded(link_id=delivery.link.link_id, image_id=delivery.image_id, client=client)
        self.command_handler.handle(
            delivery.order_id, [fetched], _cause("fetched", delivery, actor=CUSTOMER, request_id=request_id)
        )


def _cause(name: str, delivery: Delivery, *, actor: str, request_id: UUID) -> Cause:
    key = f"{name}:{delivery.link.link_id}:{delivery.image_id or 'archive'}"
    return Cause(name=name, key=key, actor=actor, correlation_id=request_id)
