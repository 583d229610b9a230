"""The production container on doubles of every port.

It is a whole shop on one thread, without a real clock.
"""

import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, BinaryIO
from uuid import UUID

from adapters.localization.export_text import EnglishExportText
from domain.order.events import Event
from domain.order.order import Order
from domain.order.reactions import Reaction
from domain.order.values import FailureReason, ImageId, Money, OrderId, UploadSessionId
from domain.ports.archives import ArchiveEntry
from domain.ports.cancellation import CanceledError, Cancellation
from domain.ports.dispute_evidence import Evidence
from domain.ports.email import EmailFacts, EmailWebhookParser, RenderedEmail
from domain.ports.errors import OutsideError, UnreadableImageError
from domain.ports.ids import Ids
from domain.ports.images import ImageFacts
from domain.ports.payments import (
    CheckoutDetails,
    PaymentEventKind,
    PaymentProvider,
    PaymentWebhookEvent,
    PaymentWebhookParser,
)
from domain.ports.restorer import PredictionStatus, PredictionWebhookEvent, PredictionWebhookParser
from domain.ports.unit_of_work import Database
from domain.pricing import PriceList
from domain.signed_tokens import TokenSigner, sha256_of
from domain.similarity import SKETCH_SIDE
from domain.use_cases.audit.archive_files import text_file
from domain.use_cases.shop_policy import ShopPolicy
from entrypoints.bootstrap.container import Container
from entrypoints.bootstrap.policy import urls_of
from entrypoints.bootstrap.ports import CheckedClock, CheckedQueue, Ports
from tests.doubles.clock import CountingIds, StoppedClock
from tests.doubles.email import InMemoryMailer
from tests.doubles.event_store import InMemoryEventStore
from tests.doubles.object_storage import InMemoryStorage
from tests.doubles.payments import InMemoryPayments
from tests.doubles.provider_listings import (
    InMemoryEmailListing,
    InMemoryPaymentListing,
    InMemoryPredictionListing,
)
from tests.doubles.restorer import InMemoryRestorer
from tests.doubles.unit_of_work import InMemoryUnitOfWork
from tests.doubles.usage_totals import InMemoryRateLimiter

POLICY = ShopPolicy(
    prices=PriceList(currency="EUR", steps=((1, 490), (10, 390))),
    urls=urls_of(
        "https://shop.example",
        webhook="https://hooks.shop.example",
        success="https://shop.example/thanks/{upload_session}",
        cancel="https://shop.example/back/{upload_session}",
    ),
)
#: More reactions than any order of a test needs: more of them mean an endless loop.
REST_LIMIT = 1000


@dataclass
class InMemoryQueue:
    """Wake-ups in sending order; a test may lose or duplicate them."""

    waiting: deque[UUID] = field(default_factory=deque)
    problem: OutsideError | None = None  # raised by ``check``

    def check(self) -> None:
        if self.problem is not None:
            raise self.problem

    def send(self, reactions: Iterable[tuple[UUID, Reaction]]) -> None:
        self.waiting.extend(reaction_id for reaction_id, _ in reactions)


class PlainEmailRenderer:
    """Renders mails that contain only their facts.

    ``facts`` holds the facts of each mail, by its HTML.
    """

    def __init__(self) -> None:
        self.facts: dict[str, EmailFacts] = {}

    def render(self, facts: EmailFacts) -> RenderedEmail:
        self.facts[repr(facts)] = facts
        return RenderedEmail(subject=facts.kind, text=str(facts.download_url), html=repr(facts))


def token_in(email_content: RenderedEmail) -> str | None:
    """Extract the download link's token from the shop's mail, if any."""
    found = re.search(r"/api/download/([^/]+)/photos", email_content.text)
    return found[1] if found else None


#: The magic number of every JPEG.
JPEG_BEGINS = b"\xff\xd8\xff"


class PlainInspector:
    """Accepts any bytes as a PNG, unless they contain "broken".

    "square", "small" and "halved" set its size. ``portrait of NAME`` gives a sketch that depends on NAME only;
    content without a name has a blank sketch.
    """

    def check(self) -> None:
        """Report nothing: there is no limit on concurrent pictures."""

    def inspect(self, picture: BinaryIO, *, cancellation: Cancellation | None = None) -> ImageFacts:
        if cancellation is not None and cancellation.is_requested:
            raise CanceledError
        content = picture.read()
        if b"broken" in content:
            raise UnreadableImageError(
                "This is no picture.",
                "Send a JPEG or PNG file.",
                "Das ist kein Bild. Schicken Sie eine JPEG- oder PNG-Datei.",
            )
        width, height = (900, 900) if b"square" in content else (1200, 900)
        if b"small" in content:
            width, height = width // 4, height // 4
        if b"halved" in content:
            width, height = width // 2, height // 2
        name = content.rpartition(b"portrait of ")[2] if b"portrait of " in content else None
        sketch = Random(name).randbytes(SKETCH_SIDE**2) if name else bytes(SKETCH_SIDE**2)  # noqa: S311 -- a face is no secret
        return ImageFacts(media_type="image/png", width=width, height=height, sketch=sketch)

    def upright(self, picture: BinaryIO) -> tuple[BinaryIO, str]:
        content = picture.read()
        if b"undecodable" in content:
            raise UnreadableImageError("This picture is damaged.", "Save it again.")
        picture.seek(0)
        return picture, "image/png"

    def finished(self, output: BinaryIO, original: BinaryIO | None) -> tuple[BinaryIO, ImageFacts]:  # noqa: ARG002 -- nothing is transparent
        output.seek(0)
        facts = self.inspect(output)
        output.seek(0)
        return output, facts

    def thumbnail(self, picture: BinaryIO) -> bytes:
        picture.seek(0)
        self.inspect(picture)
        picture.seek(0)
        return JPEG_BEGINS + picture.read(100)


class PlainArchiver:
    """Archives that concatenate their entries."""

    def archive(self, entries: list[ArchiveEntry]) -> tuple[int, Iterator[bytes]]:
        whole = b"".join(entry.name.encode() + b"".join(entry.content) for entry in entries)
        return len(whole), iter([whole])


class InMemoryScratchFiles:
    """Scratch files in memory."""

    @contextmanager
    def file(self) -> Iterator[BinaryIO]:
        yield io.BytesIO()


class PlainEvidenceWriter:
    """A file that is the ``repr`` of its evidence."""

    def files(self, evidence: Evidence) -> list[ArchiveEntry]:
        return [text_file("evidence.txt", repr(evidence))]


class NoWebhooks:
    """Refuses webhooks: a test that posts some brings its own parsers."""

    def read(self, body: bytes, headers: Mapping[str, str]) -> Any:
        raise AssertionError(f"Nothing is posted to this shop, but {body!r} was, with {dict(headers)}.")

    def contents(self, body: bytes) -> bytes:
        return body


class ShopOfDoubles(Container):
    """The production container on the doubles that a subclass has made."""

    secret_key = b"a secret of thirty-two characters!"
    policy: ShopPolicy
    clock: CheckedClock
    ids: Ids
    unit_of_work: Database
    queue: CheckedQueue
    storage: InMemoryStorage
    payments: InMemoryPayments
    restorer: InMemoryRestorer
    mailer: InMemoryMailer
    payment_webhook_parser: PaymentWebhookParser = NoWebhooks()
    prediction_webhook_parser: PredictionWebhookParser = NoWebhooks()
    email_webhook_parser: EmailWebhookParser = NoWebhooks()

    def wire(self, payments: PaymentProvider) -> None:
        """Pass the doubles to the container."""
        self.token_signer = TokenSigner(self.secret_key)
        self.scratch, self.email_renderer = InMemoryScratchFiles(), PlainEmailRenderer()
        self.payment_listing = InMemoryPaymentListing(self.payments)
        self.prediction_listing = InMemoryPredictionListing(self.restorer)
        self.email_listing = InMemoryEmailListing(self.mailer)
        inspector = PlainInspector()
        super().__init__(
            Ports(
                policy=self.policy,
                clock=self.clock,
                ids=self.ids,
                token_signer=self.token_signer,
                scratch=self.scratch,
                archiver=PlainArchiver(),
                inspector=inspector,
                output_inspector=inspector,
                thumbnailer=inspector,
                unit_of_work=self.unit_of_work,
                queue=self.queue,
                rate_limiter=InMemoryRateLimiter(clock=self.clock),
                storage=self.storage,
                object_listing=self.storage,
                payments=payments,
                payment_listing=self.payment_listing,
                payment_webhook_parser=self.payment_webhook_parser,
                restorer=self.restorer,
                prediction_listing=self.prediction_listing,
                prediction_webhook_parser=self.prediction_webhook_parser,
                mailer=self.mailer,
                email_renderer=self.email_renderer,
                email_listing=self.email_listing,
                email_webhook_parser=self.email_webhook_parser,
                export_text=EnglishExportText(),
                evidence_writer=PlainEvidenceWriter(),
            )
        )

    def with_ports(self, **changes: Any) -> Container:
        """A separate container on the same ports, with some replaced by name."""
        return Container(replace(self.ports, **changes))


class InMemoryShop(ShopOfDoubles):
    """A shop of doubles, with helpers for customers, restorer and worker."""

    clock: StoppedClock
    ids: CountingIds
    queue: InMemoryQueue

    def __init__(
        self,
        policy: ShopPolicy = POLICY,
        unit_of_work: Database | None = None,
        payment_provider: PaymentProvider | None = None,
        payments: InMemoryPayments | None = None,
        secret_key: bytes | None = None,
        ids: CountingIds | None = None,
    ) -> None:
        self.secret_key = secret_key or self.secret_key
        self.policy = policy
        self.clock = StoppedClock()
        self.ids = ids or CountingIds()
        self.own_unit_of_work = InMemoryUnitOfWork()
        self.unit_of_work = unit_of_work or self.own_unit_of_work
        self.queue = InMemoryQueue()
        self.storage = InMemoryStorage(clock=self.clock)
        self.payments = payments or InMemoryPayments()
        self.restorer = InMemoryRestorer()
        self.mailer = InMemoryMailer()
        self.wire(payment_provider or self.payments)

    def upload(self, *photos: bytes) -> UploadSessionId:
        """Open a session and upload photos to it."""
        session_id = self.upload_service.open().session_id
        self.add(session_id, *photos)
        return session_id

    def add(self, session_id: UploadSessionId, *photos: bytes) -> None:
        """Upload photos to a session."""
        for number, photo in enumerate(photos, start=1):
            self.upload_service.add(session_id, f"great-aunt-{number}.jpg", io.BytesIO(photo), len(photo))

    def payment(self, session_id: UploadSessionId, **facts: Any) -> PaymentWebhookEvent:
        """Open and pay the checkout; return the provider's webhook event."""
        checkout = self.checkout_service.open(session_id, email=None)
        assert checkout.checkout_session_id is not None
        nothing = Money(amount=0, currency=checkout.quoted.currency)
        discount = checkout.spending.discount if checkout.spending else nothing
        told = CheckoutDetails(
            checkout_session_id=checkout.checkout_session_id,
            upload_session_id=session_id,
            order_id=self.upload_service.find(session_id).order_id,
            payment_intent_id=self.payments.pay(checkout.checkout_session_id) or None,
            paid=checkout.quoted - discount,
            discount=discount,
            email="ada@customer.example",
            name="Ada",
            locale="en",
            spending=checkout.spending,
            payment_token=self.payments.checkouts[checkout.checkout_session_id].payment_token,
        )
        return PaymentWebhookEvent(
            event_id=f"evt_{self.ids.new().int}",
            event_type="checkout.session.completed",
            kind=PaymentEventKind.PAID,
            checkout=replace(told, **facts),
        )

    def checkout(self, session_id: UploadSessionId) -> str:
        """Open the checkout; return the provider's id of it."""
        opened = self.checkout_service.open(session_id, email=None).checkout_session_id
        assert opened is not None
        return opened

    def told(self, checkout_session_id: str, kind: PaymentEventKind) -> PaymentWebhookEvent:
        """Build a webhook event about a checkout in its present state."""
        return PaymentWebhookEvent(
            event_id=f"evt_{self.ids.new().int}",
            event_type=f"checkout.session.{kind}",
            kind=kind,
            checkout=self.payments.states[checkout_session_id].checkout,
        )

    def pay(self, session_id: UploadSessionId, **facts: Any) -> OrderId:
        """Pay a session and handle the webhook event; return the order's id."""
        self.payment_webhook.handle(self.payment(session_id, **facts), sha256_of(b"notice"))
        return self.upload_service.find(session_id).order_id

    def order(self, order_id: OrderId) -> Order:
        """Load the order from the log."""
        with self.unit_of_work.transaction() as transaction:
            return transaction.event_store.load(order_id)

    def events(self, order_id: OrderId) -> list[Event]:
        """List the order's events."""
        with self.unit_of_work.transaction() as transaction:
            return [recorded.event for recorded in transaction.event_store.history(order_id)]

    def work(self) -> None:
        """Perform all waiting reactions, and their successors, until the queue is empty."""
        for _ in range(REST_LIMIT):
            if not self.queue.waiting:
                return
            self.perform(self.queue.waiting.popleft())
        raise AssertionError("The shop does not come to rest.")

    def perform(self, reaction_id: UUID) -> None:
        """Perform one reaction, like a worker that receives its id."""
        claimed = self.reaction_runner.claim(reaction_id)
        if claimed is not None:
            self.reaction_runner.perform(*claimed)

    def end_predictions(self, outcome: bytes | FailureReason = b"restored") -> None:
        """End every running prediction alike and deliver the restorer's webhooks."""
        for prediction_id, work in list(self.restorer.works.items()):
            if work.told.status is not PredictionStatus.RUNNING:
                continue
            if isinstance(outcome, bytes):
                self.restorer.succeed(prediction_id, work.restored(outcome))
            else:
                self.restorer.fail(prediction_id, outcome)
            self.post_prediction(prediction_id)

    def post_prediction(self, prediction_id: str) -> None:
        """Deliver the restorer's webhook about a prediction, to its webhook URL."""
        order, image, attempt, token = self.restorer.works[prediction_id].webhook_url.split("/")[-4:]
        address = OrderId(UUID(order)), ImageId(UUID(image)), int(attempt)
        self.prediction_webhook.verify_token(token, *address)
        webhook_event = PredictionWebhookEvent(
            event_id=f"msg_{prediction_id}", prediction_id=prediction_id, has_ended=True
        )
        self.prediction_webhook.handle(webhook_event, *address, sha256_of(b"notice"))

    @contextmanager
    def event_store_fails(self) -> Iterator[None]:
        """Let the event store fail on the next append, like a crash."""

        def refuse(*_: object) -> None:
            raise RuntimeError("the books broke")

        original = InMemoryEventStore.append
        InMemoryEventStore.append = refuse  # type: ignore[assignment]
        try:
            yield
        finally:
            InMemoryEventStore.append = original  # type: ignore[method-assign]

    def pass_time(self, **duration: float) -> None:
        """Advance the clock, then run the sweeper and the workers."""
        self.clock.advance(**duration)
        self.reaction_runner.resend_due()
        self.work()

    def live(self, order_id: OrderId, *, hours: float = 3) -> Order:
        """Run an order with successful predictions until the hours are over."""
        for _ in range(int(hours * 60)):
            self.work()
            self.end_predictions()
            self.pass_time(minutes=1)
        return self.order(order_id)
