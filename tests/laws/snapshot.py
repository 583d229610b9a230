"""A shop, its providers and its visitors at one moment.

Model tests, the simulation and the chaos run each produce it. A field that is None, or empty, was not observed, and no
law judges it; docs/proof.md has what each producer observes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from adapters.postgres.read_models import Rows
from domain.order import events as e
from domain.order.download_link import DownloadLink
from domain.order.errors import ShopError
from domain.order.evolve import apply
from domain.order.lifecycle import allowed
from domain.order.order import Order
from domain.order.reactions import IssueRefund, Reaction, RestoreImage, SendEmail
from domain.order.states import State
from domain.order.values import CustomerId, HoldReason, ObjectKey, OrderId, Sha256
from domain.ports.upload_sessions import UploadSession
from domain.unmatched_payment import UnmatchedStatus

#: What a call at a provider is about: the kind of its reaction, and the ids that name it.
WorkName = tuple[str, ...]
#: A file behind a link: an image's id, ``archive``, or ``photos`` for the page of all photos.
LinkTarget = str


@dataclass(frozen=True)
class Violation:
    """A broken law; ``about`` are the ids of what it concerns."""

    law: int
    sentence: str
    about: tuple[str, ...] = ()


def violation(law: int, sentence: str, *about: object) -> Violation:
    """A violation about things with ids."""
    return Violation(law, sentence, tuple(map(str, about)))


class Step(NamedTuple):
    """One event, and the order before and after it."""

    before: Order
    recorded: e.RecordedEvent
    after: Order


@dataclass(frozen=True, kw_only=True)
class OrderStream:
    """All events of an order, judged from ``earlier`` on."""

    events: Sequence[e.RecordedEvent]
    earlier: Order

    @cached_property
    def _folded(self) -> tuple[Sequence[Step], str | None]:
        """The legal steps since ``earlier``, and why there is no further one."""
        steps: list[Step] = []
        order = self.earlier
        for recorded in self.events[order.version :]:
            name = type(recorded.event).__name__
            if recorded.version != order.version + 1:
                return steps, f"Version {recorded.version} follows {order.version}."
            if type(recorded.event) not in allowed(order.state):
                return steps, f"{name} is version {recorded.version} of an order that was {order.state}."
            try:
                after = apply(order, recorded)
            except (ShopError, LookupError, AssertionError) as error:
                return steps, f"{name}, version {recorded.version}, cannot be applied: {error!r}"
            steps.append(Step(order, recorded, after))
            order = after
        if len(self.events) != order.version:
            return steps, f"{len(self.events)} events make version {order.version}."
        return steps, None

    @property
    def steps(self) -> Sequence[Step]:
        """The events that are judged, each with the order around it."""
        return self._folded[0]

    @property
    def defect(self) -> str | None:
        """Why the events cannot be folded, if they cannot."""
        return self._folded[1]

    @property
    def order(self) -> Order:
        """The order after its last legal event."""
        return self.steps[-1].after if self.steps else self.earlier

    @property
    def history(self) -> list[e.Event]:
        """The events without what was recorded with them."""
        return [recorded.event for recorded in self.events]


def whole_stream(order_id: OrderId, events: Sequence[e.RecordedEvent]) -> OrderStream:
    """A stream of which nothing was judged before."""
    return OrderStream(events=events, earlier=Order(order_id=order_id))


@dataclass(frozen=True, kw_only=True)
class ProviderRefund:
    """A refund at the payment provider; ``refund_id`` is the shop's id."""

    provider_refund_id: str
    amount: int
    refund_id: str | None = None
    has_failed: bool = False
    is_paid: bool = True


@dataclass(frozen=True, kw_only=True)
class ProviderPayment:
    """A payment that succeeded; a free one has no payment intent."""

    payment_intent_id: str | None
    amount: int
    checkout_session_id: str | None = None
    is_ours: bool = True  # it carries this shop's payment token
    refunds: Sequence[ProviderRefund] = ()
    lost: int = 0  # to a bank

    @property
    def returned(self) -> int:
        """The sum of all refunds that did not fail."""
        return sum(refund.amount for refund in self.refunds if not refund.has_failed)


@dataclass(frozen=True, kw_only=True)
class UnmatchedRow:
    """A payment that the shop stored as belonging to no order."""

    payment_intent_id: str | None
    checkout_session_id: str | None
    amount: int
    status: UnmatchedStatus
    refund_id: str | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class ProviderPrediction:
    """A prediction as the restorer has it."""

    prediction_id: str
    order_id: str
    image_id: str
    is_running: bool = False
    has_succeeded: bool = False


@dataclass(frozen=True, kw_only=True)
class AcceptedMail:
    """An accepted mail; ``texts`` are subject and text by language."""

    message_id: str
    email_id: str
    order_id: str
    addresses: frozenset[str] = frozenset()  # the one it went to, and what that was corrected to
    token: str | None = None  # of the download link in it
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    version: int | None = None  # of the order when it was sent, where that is known


@dataclass(frozen=True, kw_only=True)
class ProviderCall:
    """A changing call; ``token`` is its claim's, where known."""

    work: WorkName
    at: datetime
    sentence: str
    token: UUID | None = None


class Claim(NamedTuple):
    """A claim that was committed."""

    token: UUID
    at: datetime


@dataclass(frozen=True, kw_only=True)
class LeaseChange:
    """A lease taken or ended by the holder of ``writer_holds``."""

    reaction_id: UUID
    transaction: str
    at: datetime
    is_claim: bool
    token_before: UUID | None = None
    leased_until_before: datetime | None = None
    writer_holds: frozenset[UUID] | None = None


@dataclass(frozen=True, kw_only=True)
class StoredEvent:
    """An event's cause and the transaction that wrote it."""

    order_id: OrderId
    version: int
    cause_key: str
    transaction: str


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """An object about to be deleted, with its order and session."""

    key: ObjectKey
    order: Order
    session: UploadSession | None = None


@dataclass(frozen=True, kw_only=True)
class LinkOpening:
    """A request for a link, with the order before and after."""

    token_sha256: Sha256
    target: LinkTarget
    status: int
    began_at: datetime
    answered_at: datetime
    before: Order | None = None
    link: DownloadLink | None = None
    after: Order | None = None
    content: Sha256 | None = None  # of the answer's body, where it is a stored file and no smaller picture
    must_open: bool = False  # at rest, when every good link opens


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What a customer found behind the link in their mail."""

    who: str
    order_id: str
    token_sha256: Sha256
    pictures: Sequence[str]  # SHA-256


@dataclass(frozen=True, kw_only=True)
class Forgery:
    """A forged or malformed request, its answer, and its effect."""

    what: str
    status: int | None = None
    led_to_commit: bool = False


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything that was observed; see the module."""

    # When, and what may be expected by now.
    is_at_rest: bool = False
    time_is_up: bool = False  # everything has to be at rest
    retention_is_over: bool = False
    photo_retention: timedelta | None = None
    clock_tolerance: timedelta = timedelta(0)  # how far two clocks of the shop may be apart
    # The log, and what follows from it.
    streams: Mapping[OrderId, OrderStream] = field(default_factory=dict)
    chain_defects: Sequence[str] = ()
    read_models: Rows | None = None
    loaded: Mapping[OrderId, Order] | None = None  # what the event store gives
    # Work.
    reaction_outcomes: Mapping[UUID, str | None] | None = None  # None while the row is open
    stored_events: Sequence[StoredEvent] = ()
    lease_changes: Sequence[LeaseChange] = ()
    claims: Mapping[WorkName, Sequence[Claim]] | None = None
    calls: Sequence[ProviderCall] = ()
    unfinished: Sequence[str] = ()  # in a sentence each, beside the orders
    allowed_holds: Collection[HoldReason] = ()  # for which an order at rest may wait
    # The providers.
    payments: Sequence[ProviderPayment] | None = None
    unmatched: Sequence[UnmatchedRow] = ()
    predictions: Sequence[ProviderPrediction] = ()
    mails: Sequence[AcceptedMail] | None = None
    # Photos.
    objects: Mapping[str, str] | None = None  # key and SHA-256
    lost_objects: Collection[str] = ()  # by the storage, not by the shop
    upload_sessions: frozenset[str] = frozenset()  # whose uploads the shop still keeps
    deletions: Sequence[Deletion] = ()
    # Customers and strangers.
    customers: Mapping[CustomerId, str] | None = None  # e-mail addresses
    erased_customers: Collection[CustomerId] = ()
    openings: Sequence[LinkOpening] = ()
    fetched: Sequence[Fetched] = ()
    requested: Collection[tuple[str, Sha256, LinkTarget]] | None = None  # method, token and target
    tokens: frozenset[str] = frozenset()  # that were issued
    stored_words: frozenset[str] = frozenset()  # each long word in any table
    forgeries: Sequence[Forgery] = ()
    forged_word: str | None = None  # that is part of each forgery

    @cached_property
    def orders(self) -> dict[OrderId, Order]:
        """The orders whose events can be folded."""
        return {order_id: stream.order for order_id, stream in self.streams.items() if not stream.defect}


def work_name(reaction: Reaction) -> WorkName | None:
    """The name of work that changes something at a provider."""
    match reaction:
        case RestoreImage(image_id=image_id, attempt=attempt):
            return "RestoreImage", str(image_id), str(attempt)
        case SendEmail(email_id=email_id):
            return "SendEmail", str(email_id)
        case IssueRefund(refund_id=refund_id):
            return "IssueRefund", str(refund_id)
        case _:
            return None


def keeps_photos(order: Order) -> bool:
    """Whether the shop still has the photos of an order."""
    return not (order.photos_are_purged or order.state is State.ERASED)
