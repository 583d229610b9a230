"""Recovery of download links that were sent by e-mail after the backup.

Link ids are deterministic, and each e-mail with a link names it at the provider: whether a link was sent is certain.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from domain.order.deterministic_ids import download_link_id_of
from domain.order.events import DownloadLinkIssued
from domain.order.order import Order
from domain.order.stream_integrity import followed
from domain.order.values import EmailKind, OrderId
from domain.ports.clock import Clock
from domain.ports.errors import OutsideError, UnreadableEventError
from domain.ports.provider_listings import EmailListing, ListedEmail
from domain.ports.unit_of_work import HasEventStore, HasOrderQueries, HasReconciliationQueries, UnitOfWork
from domain.use_cases.reconciliation.comparison import paged
from domain.use_cases.reconciliation.emails import LISTING_REACHES_BACK
from domain.use_cases.recovery.order_rebuilding import OrderRebuilding
from domain.use_cases.shop_policy import ShopPolicy

#: Links beyond the last known one that are looked up: some of them may have been revoked before they were sent.
LINKS_AHEAD = 3

#: Kinds of e-mail about a delivered order that may be sent more than once.
REPEATED = (
    EmailKind.NEW_LINK,
    EmailKind.REMINDER,
    EmailKind.RESULT,
    EmailKind.PARTIAL_RESULT,
    EmailKind.CONFIRMATION,
)

#: The most questions to the provider about single e-mails: it answers a few hundred a minute at most.
MOST_QUESTIONS = 500


class MailedLinksRepositories(HasEventStore, HasOrderQueries, HasReconciliationQueries, Protocol):
    """The repositories that tell which e-mails the log knows."""


@dataclass(frozen=True, kw_only=True)
class UnknownEmail:
    """An e-mail that the provider has and the log lacks."""

    message_id: str
    last_event_at: datetime
    order_ids: tuple[
        OrderId, ...
    ]  # its order, or the delivered orders of its recipient that were not looked up


@dataclass(frozen=True, kw_only=True)
class MailedLinks:
    """Links that were recorded again, and what remains uncertain."""

    relinked: tuple[OrderId, ...] = ()  # orders with a link that was recorded again
    reopened: tuple[OrderId, ...] = ()  # of these, the ones with earlier links that may have been revoked
    unknown_emails: tuple[UnknownEmail, ...] = ()
    problem: str | None = None  # why not all e-mails could be looked up

    @property
    def order_ids(self) -> tuple[OrderId, ...]:
        """The orders named here."""
        return (*self.relinked, *(order_id for each in self.unknown_emails for order_id in each.order_ids))

    @property
    def needs_staff(self) -> bool:
        """Whether a person has to look at something."""
        return bool(self.reopened or self.unknown_emails or self.problem)


@dataclass
class _Search:
    """The e-mails not yet assigned to an order, and the results."""

    unknown: dict[str, ListedEmail]  # by message id
    questions: int = 0
    asked_about: set[OrderId] = field(default_factory=set)
    order_of: dict[str, OrderId] = field(default_factory=dict)  # by message id
    problem: str | None = None

    @property
    def unattributed(self) -> Iterator[ListedEmail]:
        """The unknown e-mails whose order is not known."""
        return (each for name, each in self.unknown.items() if name not in self.order_of)

    def has_more(self, order: Order) -> bool:
        """Whether e-mails of this order are left, and questions, too."""
        is_left = any(self.order_of.get(message_id) == order.order_id for message_id in self.unknown)
        return is_left and self.questions < MOST_QUESTIONS

    def assign(self, order: Order) -> None:
        """Remove the e-mails that an order's log names."""
        for email in order.emails.values():
            self.unknown.pop(email.message_id or "", None)


@dataclass(eq=False, kw_only=True)
class MailedLinkRecovery:
    """Records links that the e-mail provider proves to have been sent.

    Only recipients of e-mails that the log lacks are looked at. Nothing is sent.
    """

    unit_of_work: UnitOfWork[MailedLinksRepositories]
    mails: EmailListing
    rebuilding: OrderRebuilding
    clock: Clock
    policy: ShopPolicy

    def recover(self, since: datetime, incident: str, advanced: Sequence[OrderId]) -> MailedLinks:
        """Record the links sent since; return what remains for staff.

        Links that were recorded with a redo of the orders ``advanced`` are part of the result.
        """
        search = _Search(unknown={})
        try:
            search.unknown = self._unknown(since)
            orders = self._orders_of(search.unknown.values())
            for address, order_ids in orders.items():
                for order_id in reversed(order_ids):  # newest first
                    if any(_address(each) == address for each in search.unattributed):
                        self._attribute(search, order_id)
            for order_id in sorted(set(search.order_of.values())):
                self._record(search, order_id, since, incident)
        except OutsideError as error:
            search.problem = str(error)
        return self._result(search, incident, advanced)

    def without_known_emails(self, links: MailedLinks) -> MailedLinks:
        """Leave out e-mails that were recorded meanwhile."""
        known: set[str] = set()
        for page in paged(each.message_id for each in links.unknown_emails):
            with self.unit_of_work.transaction() as transaction:
                known |= transaction.order_queries.find_by_messages(page).keys()
        unknown = tuple(each for each in links.unknown_emails if each.message_id not in known)
        return replace(links, unknown_emails=unknown)

    def _unknown(self, since: datetime) -> dict[str, ListedEmail]:
        """Return the e-mails with activity since that no order's log names."""
        unknown: dict[str, ListedEmail] = {}
        earliest = max(since, self.clock.now() - LISTING_REACHES_BACK)
        # The reconciliation that follows reports an entry that cannot be read.
        for page in paged(self.mails.messages(earliest, lambda _: None)):
            with self.unit_of_work.transaction() as transaction:
                known = transaction.order_queries.find_by_messages([each.message_id for each in page])
            unknown |= {each.message_id: each for each in page if each.to and each.message_id not in known}
        return unknown

    def _orders_of(self, emails: Iterable[ListedEmail]) -> dict[str, list[OrderId]]:
        """Return the delivered orders of these e-mails' recipients."""
        orders: dict[str, list[OrderId]] = {}
        for page in paged(dict.fromkeys(_address(each) for each in emails)):
            with self.unit_of_work.transaction() as transaction:
                orders |= transaction.reconciliation_queries.delivered_orders_of(page)
        return orders

    def _attribute(self, search: _Search, order_id: OrderId) -> None:
        if search.questions >= MOST_QUESTIONS:
            return
        search.questions += 1
        for email in self.mails.about(order_id):
            if email.message_id in search.unknown:
                search.order_of[email.message_id] = order_id
        search.asked_about.add(order_id)

    def _record(self, search: _Search, order_id: OrderId, since: datetime, incident: str) -> None:
        with self.unit_of_work.transaction() as transaction:
            try:
                order = transaction.event_store.load(order_id)
            except UnreadableEventError:
                return  # the reconciliation that follows lists it
        order = self._with_links(search, order, since, incident)
        for kind in REPEATED:
            order = self._with_repeats(search, order, kind, incident)

    def _with_links(self, search: _Search, order: Order, since: datetime, incident: str) -> Order:
        while order.links and search.has_more(order):
            count, email = self._sent_beyond(search, order, since)
            if email is None:
                break
            first = len(order.links) + 1
            link_ids = [download_link_id_of(order.order_id, first + place) for place in range(count)]
            expires_at = email.last_event_at + self.policy.delivery.link_lifetime
            order = self.rebuilding.issue_links(order, link_ids, expires_at, incident)
            search.assign(order)
            search.unknown.pop(email.message_id, None)
        return order

    def _with_repeats(self, search: _Search, order: Order, kind: EmailKind, incident: str) -> Order:
        """Record further e-mails of a kind that brought no new link."""
        link = order.newest_link
        while link is not None and search.has_more(order):
            search.questions += 1
            email = self.mails.find(order.next_email_id(kind))
            if email is None or email.message_id not in search.unknown:
                break
            if kind is EmailKind.NEW_LINK:
                search.questions += 1
                with_link = self.mails.find_link(link.link_id)
                if with_link is None or with_link.message_id != email.message_id:
                    break  # a version that did not name links sent it
            order = self.rebuilding.request_email(order, kind, incident)
            search.assign(order)
            if email.message_id in search.unknown:
                break
        return order

    def _sent_beyond(self, search: _Search, order: Order, since: datetime) -> tuple[int, ListedEmail | None]:
        """Count the links up to the next one sent; find its e-mail.

        An e-mail of a version that did not name links proves one only if the order had no valid link to send.
        """
        for ahead in range(1, LINKS_AHEAD + 1):
            search.questions += 1
            email = self.mails.find_link(download_link_id_of(order.order_id, len(order.links) + ahead))
            if email is not None:
                return ahead, email
        newest = order.newest_link
        if newest is None or newest.expires_at <= since:
            search.questions += 1
            email = self.mails.find(order.next_email_id(EmailKind.NEW_LINK))
            if email is not None and email.message_id in search.unknown:
                return 1, email
        return 0, None

    def _result(self, search: _Search, incident: str, advanced: Sequence[OrderId]) -> MailedLinks:
        """List what is left and may be about a delivered order.

        Other shops' e-mails, letters to the owner, and e-mails about other orders brought no link.
        """
        candidates = self._orders_of(search.unattributed)
        relinked, reopened = self._recorded_links({*advanced, *search.order_of.values()}, f"{incident}:")
        return MailedLinks(
            relinked=relinked,
            reopened=reopened,
            unknown_emails=tuple(
                UnknownEmail(message_id=name, last_event_at=email.last_event_at, order_ids=order_ids)
                for name, email in search.unknown.items()
                if (order_ids := _orders_about(search, email, candidates))
            ),
            problem=search.problem,
        )

    def _recorded_links(
        self, order_ids: Iterable[OrderId], incident: str
    ) -> tuple[tuple[OrderId, ...], tuple[OrderId, ...]]:
        """Return orders with recorded links, then those whose earlier links open."""
        relinked, reopened, now = [], [], self.clock.now()
        for page in paged(sorted(order_ids)):
            with self.unit_of_work.transaction() as transaction:
                streams = transaction.reconciliation_queries.streams(page)
            for order_id, stream in streams.items():
                recorded = [
                    each.event.link_id
                    for each in stream
                    if isinstance(each.event, DownloadLinkIssued) and each.cause_key.startswith(incident)
                ]
                order = followed(order_id, stream)
                if not recorded or not isinstance(order, Order):
                    continue
                relinked.append(order_id)
                links = list(order.links.values())
                earlier = links[: list(order.links).index(recorded[-1])]
                if any(not link.is_revoked and link.expires_at > now for link in earlier):
                    reopened.append(order_id)
        return tuple(relinked), tuple(reopened)


def _address(email: ListedEmail) -> str:
    return (email.to or "").lower()


def _orders_about(
    search: _Search, email: ListedEmail, candidates: Mapping[str, Sequence[OrderId]]
) -> tuple[OrderId, ...]:
    """Return an e-mail's order, or those that it may be about."""
    if (order_id := search.order_of.get(email.message_id)) is not None:
        return (order_id,)
    return tuple(each for each in candidates.get(_address(email), ()) if each not in search.asked_about)
