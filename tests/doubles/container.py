"""The production container on doubles of every port.

It is a whole shop on one thread, without a real clock.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from adapters.email_templates.owner_letters import TemplateOwnerLetterWriter
from adapters.localization.export_text import EnglishExportText
from domain.order.events import Event
from domain.order.order import Order
from domain.order.values import FailureReason, ImageId, Money, OrderId, UploadSessionId
from domain.ports.email import EmailWebhookParser
from domain.ports.ids import Ids
from domain.ports.observer import NoObserver, Observer
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
from domain.use_cases.shop_policy import ShopPolicy
from entrypoints.bootstrap.container import Container
from entrypoints.bootstrap.policy import urls_of
from entrypoints.bootstrap.ports import CheckedClock, CheckedQueue, Ports
from tests.doubles.clock import CountingIds, StoppedClock
from tests.doubles.email import InMemoryMailer, PlainEmailRenderer
from tests.doubles.event_store import InMemoryEventStore
from tests.doubles.files import InMemoryScratchFiles, PlainArchiver, PlainEvidenceWriter
from tests.doubles.images import PlainInspector
from tests.doubles.object_storage import InMemoryStorage
from tests.doubles.payments import InMemoryPayments
from tests.doubles.provider_listings import (
    InMemoryEmailListing,
    InMemoryPaymentListing,
    InMemoryPredictionListing,
)
from tests.doubles.restorer import InMemoryRestorer
from tests.doubles.shop_facts import GivenShopFacts
from tests.doubles.unit_of_work import InMemoryUnitOfWork
from tests.doubles.usage_totals import InMemoryRateLimiter
from tests.doubles.wake_ups import InMemoryQueue

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
    observer: Observer = NoObserver()

    def wire(self, payments: PaymentProvider) -> None:
        """Pass the doubles to the container."""
        self.token_signer = TokenSigner(self.secret_key)
        self.scratch, self.email_renderer = InMemoryScratchFiles(), PlainEmailRenderer()
        self.payment_listing = InMemoryPaymentListing(self.payments)
        self.prediction_listing = InMemoryPredictionListing(self.restorer)
        self.email_listing = InMemoryEmailListing(self.mailer)
        self.shop_facts = GivenShopFacts()
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
                shop_facts=self.shop_facts,
                owner_letter_writer=TemplateOwnerLetterWriter(shop_name="The old photo"),
                observer=self.observer,
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
        self.mailer = InMemoryMailer(clock=self.clock)
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
        details = CheckoutDetails(
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
            checkout=replace(details, **facts),
        )

    def checkout(self, session_id: UploadSessionId) -> str:
        """Open the checkout; return the provider's id of it."""
        opened = self.checkout_service.open(session_id, email=None).checkout_session_id
        assert opened is not None
        return opened

    def webhook_event(self, checkout_session_id: str, kind: PaymentEventKind) -> PaymentWebhookEvent:
        """Build a webhook event about a checkout in its present state."""
        return PaymentWebhookEvent(
            event_id=f"evt_{self.ids.new().int}",
            event_type=f"checkout.session.{kind}",
            kind=kind,
            checkout=self.payments.states[checkout_session_id].checkout,
        )

    def pay(self, session_id: UploadSessionId, **facts: Any) -> OrderId:
        """Pay a session and handle the webhook event; return the order's id."""
        self.payment_webhook.handle(self.payment(session_id, **facts), sha256_of(b"webhook event"))
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
            if work.prediction.status is not PredictionStatus.RUNNING:
                continue
            if isinstance(outcome, bytes):
                self.restorer.succeed(prediction_id, work.restored(outcome))
            else:
                self.restorer.fail(prediction_id, outcome)
            self.post_prediction(prediction_id)

    def post_prediction(self, prediction_id: str, body: bytes = b"webhook event") -> None:
        """Deliver the restorer's webhook about a prediction, to its webhook URL."""
        order, image, attempt, token = self.restorer.works[prediction_id].webhook_url.split("/")[-4:]
        address = OrderId(UUID(order)), ImageId(UUID(image)), int(attempt)
        self.prediction_webhook.verify_token(token, *address)
        webhook_event = PredictionWebhookEvent(
            event_id=f"msg_{prediction_id}", prediction_id=prediction_id, has_ended=True
        )
        self.prediction_webhook.handle(webhook_event, *address, sha256_of(body))

    @contextmanager
    def event_store_fails(self) -> Iterator[None]:
        """Let the event store fail on the next append, like a crash."""

        def refuse(*_: object) -> None:
            raise RuntimeError("the database broke")

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
