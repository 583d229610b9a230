"""The read side: queries on orders, payments and the event log."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from domain.order.customer_request_limits import redo_ends_at, why_no_redo
from domain.order.download_link import DownloadLink
from domain.order.events import RecordedEvent
from domain.order.evolve import fold
from domain.order.image import Image
from domain.order.order import Order
from domain.order.values import ImageId, OrderId, OrderNumber, PhotoId, RedoObstacle
from domain.ports.clock import Clock
from domain.ports.customers import Customer
from domain.ports.event_store import ChainedEvent, LogCursor, UnreadableEvent
from domain.ports.notes import Note
from domain.ports.unit_of_work import (
    HasCustomers,
    HasEventStore,
    HashChain,
    HasNotes,
    HasUploadSessions,
    UnitOfWork,
)
from domain.unmatched_payment import UnmatchedPayment
from domain.use_cases.checkout.points_statement import (
    PointsStatement,
    PointsStatementRepositories,
    statement,
)
from domain.use_cases.delivery.downloads import DownloadService
from domain.use_cases.order_listing import OrderListing
from domain.use_cases.shop_policy import ShopPolicy
from domain.use_cases.support.attention_items import AttentionItem
from domain.use_cases.support.attention_list import AttentionList, AttentionRepositories


@dataclass(frozen=True, kw_only=True)
class OrderDetails:
    """An order with the data that is stored outside its log.

    ``customer`` is None before payment and after erasure.
    """

    order: Order
    customer: Customer | None
    file_names: Mapping[PhotoId, str]
    notes: Sequence[Note]

    def name_of(self, image: Image) -> str:
        """The customer's file name of a photo, or a placeholder after erasure."""
        return self.file_names.get(PhotoId(image.image_id), "(name erased)")


class QueryRepositories(
    AttentionRepositories,
    PointsStatementRepositories,
    HasCustomers,
    HasEventStore,
    HasNotes,
    HasUploadSessions,
    Protocol,
):
    """The repositories that the queries read."""


#: The newest orders that an estimate considers, and how many of them have to be complete.
ESTIMATED_FROM, ENOUGH = 50, 5


@dataclass(eq=False, kw_only=True)
class Queries(OrderListing):
    """Read orders, payments and the log, in one transaction per method."""

    unit_of_work: UnitOfWork[QueryRepositories]
    hash_chain: HashChain

    def order(self, order_id: OrderId) -> Order:
        """The state of an order; version 0 if it has no events."""
        with self.unit_of_work.transaction() as transaction:
            return transaction.event_store.load(order_id)

    def details(self, order_id: OrderId) -> OrderDetails:
        """The state of an order, with its customer, file names and notes."""
        with self.unit_of_work.transaction() as transaction:
            order = transaction.event_store.load(order_id)
            return OrderDetails(
                order=order,
                customer=transaction.customers.find(order.payment.customer_id) if order.payment else None,
                file_names=transaction.upload_sessions.file_names(order_id),
                notes=transaction.notes.of(order_id),
            )

    def is_only_order(self, order: Order) -> bool:
        """Whether a paid order is the only one of its customer."""
        if order.payment is None:
            return False
        with self.unit_of_work.transaction() as transaction:
            return len(transaction.personal_data.orders(order.payment.customer_id)) == 1

    def history(self, order_id: OrderId) -> Sequence[RecordedEvent]:
        """The events of an order, oldest first; empty if there are none."""
        with self.unit_of_work.transaction() as transaction:
            return transaction.event_store.history(order_id)

    def stream(self, order_id: OrderId) -> Sequence[RecordedEvent | UnreadableEvent]:
        """The events of an order, oldest first, also what cannot be read."""
        with self.unit_of_work.transaction() as transaction:
            return transaction.event_store.read(order_id)

    def file_names(self, order_id: OrderId) -> Mapping[ImageId, str]:
        """The customer's file names of an order's photos, without erased ones."""
        with self.unit_of_work.transaction() as transaction:
            names = transaction.upload_sessions.file_names(order_id)
        return {ImageId(photo_id): name for photo_id, name in names.items()}

    def usual_turnaround(self) -> timedelta | None:
        """How long four of five recent orders took at most.

        From payment to delivery; none if too few recent orders are complete for an estimate.
        """
        with self.unit_of_work.transaction() as transaction:
            took = sorted(transaction.order_queries.recent_turnarounds(ESTIMATED_FROM))
        return took[4 * len(took) // 5] if len(took) >= ENOUGH else None

    def notes(self, order_id: OrderId) -> Sequence[Note]:
        """The notes of staff members about an order, oldest first."""
        with self.unit_of_work.transaction() as transaction:
            return transaction.notes.of(order_id)

    def order_id_of(self, number: OrderNumber) -> OrderId | None:
        """The order with this number; None if there is none."""
        with self.unit_of_work.transaction() as transaction:
            return transaction.order_queries.find(number)

    def log_page(
        self, after: LogCursor, limit: int
    ) -> Sequence[tuple[LogCursor, RecordedEvent | UnreadableEvent]]:
        """The next events of the whole log, in commit order."""
        with self.unit_of_work.transaction() as transaction:
            return transaction.event_store.read_all(after, limit)

    def chained_events(self) -> Iterator[ChainedEvent]:
        """Every event of the log in commit order, with its hashes."""
        return self.hash_chain.chained_events()

    def unsettled_payments(self) -> Sequence[UnmatchedPayment]:
        """Unrefunded payments that belong to no order, oldest first."""
        with self.unit_of_work.transaction() as transaction:
            return transaction.unmatched_payments.unsettled()

    def unmatched_payment(self, checkout_session_id: str) -> UnmatchedPayment | None:
        """The unmatched payment of a checkout session; None if there is none."""
        with self.unit_of_work.transaction() as transaction:
            return transaction.unmatched_payments.find(checkout_session_id)

    def points(self, email: str) -> PointsStatement:
        """A customer's referral code and points; raises UnknownCustomerError."""
        with self.unit_of_work.transaction() as transaction:
            return statement(transaction, email)

    def attention_items(self) -> Sequence[AttentionItem]:
        """Everything that waits for a staff member, oldest first."""
        return AttentionList(unit_of_work=self.unit_of_work).items()


@dataclass(frozen=True, kw_only=True)
class PhotoGallery:
    """An order's photos, as seen through one download link.

    ``why_no_redo`` has the reason for each image that cannot be redone.
    """

    order: Order
    link: DownloadLink
    file_names: Mapping[ImageId, str]
    why_no_redo: Mapping[ImageId, RedoObstacle]
    redo_until: datetime | None  # None before the redo period begins


@dataclass(eq=False, kw_only=True)
class PhotoGalleries:
    """Read the photos that a download link gives access to."""

    queries: Queries
    downloads: DownloadService
    clock: Clock
    policy: ShopPolicy

    def open(self, token: str) -> PhotoGallery:
        """The photos of a link's order; raises what ``DownloadService.open`` raises."""
        opened, link = self.downloads.open(token)
        history = self.queries.history(opened.order_id)
        names = self.queries.file_names(opened.order_id)
        order, until = (
            fold(opened.order_id, history),
            redo_ends_at(history, self.policy.delivery.redo_within),
        )
        obstacles = {
            image_id: RedoObstacle.SHARED_LINK
            if link.is_shared
            else why_no_redo(order, image, self.policy.limits, until, self.clock.now())
            for image_id, image in order.images.items()
        }
        return PhotoGallery(
            order=order,
            link=link,
            file_names={image_id: names[image_id] for image_id in order.images if image_id in names},
            why_no_redo={image_id: why for image_id, why in obstacles.items() if why is not None},
            redo_until=until,
        )
