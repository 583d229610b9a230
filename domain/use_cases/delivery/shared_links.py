"""Links for others: they show and save, and request nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from domain.order.actors import CUSTOMER
from domain.order.commands import IssueLink, Proposal, RevokeLink
from domain.order.customer_request_limits import check_shared_link_limit
from domain.order.deterministic_ids import shared_link_id_of
from domain.order.download_link import DownloadLink
from domain.order.errors import ShopError
from domain.order.order import Order
from domain.ports.clock import Clock
from domain.ports.unit_of_work import HasOrders
from domain.signed_tokens import TokenSigner, sha256_of
from domain.use_cases.delivery.downloads import DownloadService
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.order_transaction import Cause, OrderTransaction


class NotYourLinkError(ShopError):
    """A link for others was used to manage links."""

    def __init__(self) -> None:
        super().__init__(
            "This link shows photos and saves them: to share them with others, use the link from the e-mail."
        )


@dataclass(eq=False, kw_only=True)
class SharedLinks:
    """Make and take back links for others, one at a time.

    Only the holder of a customer's own link may. Like every token, that of a link for others is computed from its id,
    not stored.
    """

    command_handler: OrderCommandHandler[HasOrders]
    downloads: DownloadService
    token_signer: TokenSigner
    clock: Clock

    def token_of(self, order: Order) -> str | None:
        """The token of the order's current link for others; None without one."""
        link = self._current(order)
        if link is None:
            return None
        return self.token_signer.issued_download_token(link.link_id, link.token_sha256)

    def share(self, token: str, request_id: UUID) -> str:
        """Make a link that expires with the customer's; return its token.

        Idempotent: while there is one, that is returned. Raises NotYourLinkError, AskedTooOftenError,
        NothingToSendError, or what opening the link raises.
        """

        def issue(order: Order, link: DownloadLink) -> list[Proposal]:
            current = order.shared_link
            if current is not None and current.expires_at > self.clock.now():
                return []
            check_shared_link_limit(order)
            link_id = shared_link_id_of(order.order_id, len(order.shared_links) + 1)
            issued = IssueLink(
                link_id=link_id,
                token_sha256=sha256_of(self.token_signer.download_token(link_id)),
                expires_at=link.expires_at,
                is_shared=True,
            )
            return [*([RevokeLink(link_id=current.link_id)] if current is not None else []), issued]

        after = self._record(token, issue, request_id)
        shared = self.token_of(after)
        if shared is None:
            raise AssertionError("A link that was made has its token.")
        return shared

    def take_back(self, token: str, request_id: UUID) -> None:
        """Revoke the link for others; without one, nothing changes.

        Raises NotYourLinkError or what opening the link raises.
        """

        def revoke(order: Order, _: DownloadLink) -> list[Proposal]:
            current = order.shared_link
            return [RevokeLink(link_id=current.link_id)] if current is not None else []

        self._record(token, revoke, request_id)

    def _current(self, order: Order) -> DownloadLink | None:
        link = order.shared_link
        return link if link is not None and link.expires_at > self.clock.now() else None

    def _record(
        self, token: str, propose: Callable[[Order, DownloadLink], list[Proposal]], request_id: UUID
    ) -> Order:
        """Decide under the order's lock; return the order afterwards."""
        opened, link = self.downloads.open(token)
        if link.is_shared:
            raise NotYourLinkError

        def work(transaction: OrderTransaction[HasOrders]) -> Order:
            order = transaction.load(opened.order_id)
            cause = Cause(
                name="share", key=f"wish:{order.version}", actor=CUSTOMER, correlation_id=request_id
            )
            return transaction.record(order, propose(order, link), cause).after

        return self.command_handler.transact(work)
