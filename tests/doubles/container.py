"""The production services on doubles of every port: a whole shop that runs on one thread, without a clock."""

import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, BinaryIO
from uuid import UUID

from domain.order.events import Event
from domain.order.order import Order
from domain.order.reactions import Reaction
from domain.order.values import FailureReason, ImageId, Money, OrderId, UploadSessionId
from domain.ports.archives import ArchiveEntry
from domain.ports.cancellation import CanceledError, Cancellation
from domain.ports.clock import Clock
from domain.ports.email import Letter, LetterFacts
from domain.ports.errors import UnreadablePictureError
from domain.ports.ids import Ids
from domain.ports.images import PictureFacts
from domain.ports.payments import CheckoutNotice, NoticeKind, PaymentNotice, PaymentProvider
from domain.ports.reaction_queue import ReactionQueue
from domain.ports.restorer import PredictionStatus, RestorationNotice
from domain.ports.unit_of_work import Books
from domain.pricing import PriceList
from domain.signed_tokens import Sealer, sha256_of
from domain.similarity import SKETCH_SIDE
from domain.use_cases.checkout.checkout import CheckingOut
from domain.use_cases.checkout.photo_removal import PhotoRemoval
from domain.use_cases.checkout.referrals_and_points import Rewarding
from domain.use_cases.checkout.uploads import Uploading
from domain.use_cases.checkout.visitor_limits import VisitorLimits
from domain.use_cases.delivery.downloads import Delivering
from domain.use_cases.delivery.email_webhook import MailDesk
from domain.use_cases.delivery.emails import Writing
from domain.use_cases.delivery.link_reminders import Reminding
from domain.use_cases.order_command_handler import Recorder
from domain.use_cases.payments.order_placement import Beginning
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from domain.use_cases.payments.payment_webhook import Paying
from domain.use_cases.payments.refunds import Refunding
from domain.use_cases.payments.unmatched_payments import Matching
from domain.use_cases.privacy.data_export import Exporting
from domain.use_cases.privacy.erasure import Forgetting
from domain.use_cases.privacy.photo_deletion import Purging
from domain.use_cases.privacy.photo_retention import Retaining
from domain.use_cases.privacy.upload_cleanup import Housekeeping
from domain.use_cases.reaction_runner import Crafts, Working
from domain.use_cases.reconciliation.emails import MailComparison
from domain.use_cases.reconciliation.event_log import StreamComparison
from domain.use_cases.reconciliation.object_storage import ObjectComparison
from domain.use_cases.reconciliation.payments_missing_in_log import MoneyComparison
from domain.use_cases.reconciliation.predictions import PredictionComparison
from domain.use_cases.reconciliation.run import Reconciling
from domain.use_cases.recovery.log_heads import LogHeads
from domain.use_cases.recovery.order_rebuilding import OrderRebuilding
from domain.use_cases.recovery.restored_database import RestoredDatabase
from domain.use_cases.recovery.session_rebuilding import SessionRebuilding
from domain.use_cases.restoration.originals import Moving
from domain.use_cases.restoration.prediction_webhook import RestorationDesk
from domain.use_cases.restoration.predictions import Restoring
from domain.use_cases.shop_policy import Policy
from domain.use_cases.support.customer_requests import Asking
from domain.use_cases.support.email_correction import Addressing
from domain.use_cases.support.staff_actions import Desk
from tests.doubles.clock import CountingIds, StoppedClock
from tests.doubles.email import MemoryMailer
from tests.doubles.object_storage import MemoryStore
from tests.doubles.payments import MemoryPayments
from tests.doubles.provider_listings import MemoryMailLedger, MemoryPaymentLedger, MemoryRestorationLedger
from tests.doubles.restorer import MemoryRestorer
from tests.doubles.unit_of_work import InMemoryBooks, InMemoryOrderLog
from tests.doubles.usage_totals import MemoryRateLimiter

POLICY = Policy(
    prices=PriceList(currency="EUR", steps=((1, 490), (10, 390))),
    public_url="https://shop.example",
    webhook_url="https://hooks.shop.example",
    success_url="https://shop.example/thanks/{upload_session}",
    cancel_url="https://shop.example/back/{upload_session}",
)
#: More steps than any order of a test needs: beyond them something goes in circles.
REST_LIMIT = 1000


@dataclass
class MemoryQueue:
    """Wake-ups in the order they were sent; a test may lose or double them."""

    waiting: deque[UUID] = field(default_factory=deque)

    def send(self, reactions: Iterable[tuple[UUID, Reaction]]) -> None:
        self.waiting.extend(reaction_id for reaction_id, _ in reactions)


class PlainLetterWriter:
    """Letters that hold their facts and nothing else; what was written of is remembered by the letter's HTML."""

    def __init__(self) -> None:
        self.facts: dict[str, LetterFacts] = {}

    def write(self, facts: LetterFacts) -> Letter:
        self.facts[repr(facts)] = facts
        return Letter(subject=facts.kind, text=str(facts.download_url), html=repr(facts))


def token_in(letter: Letter) -> str | None:
    """The token of the download link in a letter that this shop wrote, if it brings one."""
    found = re.search(r"/api/download/([^/]+)/photos", letter.text)
    return found[1] if found else None


#: How every JPEG begins.
JPEG_BEGINS = b"\xff\xd8\xff"


class PlainInspector:
    """Takes everything for a PNG that does not say it is broken; it is square if it says so, and small if it does.

    A ``portrait of`` somebody shows them and nobody else; what says no name shows nothing to know it by.
    """

    def check(self) -> None:
        """Takes any number at a time."""

    def inspect(self, picture: BinaryIO, *, cancellation: Cancellation | None = None) -> PictureFacts:
        if cancellation is not None and cancellation.is_requested:
            raise CanceledError
        content = picture.read()
        if b"broken" in content:
            raise UnreadablePictureError(
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
        return PictureFacts(media_type="image/png", width=width, height=height, sketch=sketch)

    def upright(self, picture: BinaryIO) -> tuple[BinaryIO, str]:
        content = picture.read()
        if b"undecodable" in content:
            raise UnreadablePictureError("This picture is damaged.", "Save it again.")
        picture.seek(0)
        return picture, "image/png"

    def finished(self, output: BinaryIO, original: BinaryIO) -> tuple[BinaryIO, str]:  # noqa: ARG002 -- nothing is transparent
        output.seek(0)
        return output, "image/png"

    def thumbnail(self, picture: BinaryIO) -> bytes:
        picture.seek(0)
        self.inspect(picture)
        picture.seek(0)
        return JPEG_BEGINS + picture.read(100)


class PlainArchiver:
    """Archives that are their entries, one after the other."""

    def archive(self, entries: list[ArchiveEntry]) -> tuple[int, Iterator[bytes]]:
        whole = b"".join(entry.name.encode() + b"".join(entry.content) for entry in entries)
        return len(whole), iter([whole])


class MemoryScratch:
    """Scratch files in memory."""

    @contextmanager
    def file(self) -> Iterator[BinaryIO]:
        yield io.BytesIO()


class WiredShop:
    """The production services, wired to whatever doubles are given."""

    secret_key = b"a secret of thirty-two characters!"
    policy: Policy
    clock: Clock
    ids: Ids
    books: Books
    queue: ReactionQueue
    storage: MemoryStore
    payments: MemoryPayments
    restorer: MemoryRestorer
    mailer: MemoryMailer
    letter_writer: PlainLetterWriter

    def wire(self, payments: PaymentProvider) -> None:
        """Build every service of the shop on the doubles that are there."""
        self.letter_writer = PlainLetterWriter()
        self.sealer = Sealer(self.secret_key)
        self.scratch = MemoryScratch()
        clock, inspector, scratch, policy = self.clock, PlainInspector(), self.scratch, self.policy
        self.recorder = Recorder(books=self.books, queue=self.queue, ids=self.ids, clock=clock, policy=policy)
        self.visitor_limits = VisitorLimits(
            limiter=MemoryRateLimiter(clock=clock), books=self.books, clock=clock, policy=policy
        )
        self.uploading = Uploading(
            books=self.books,
            storage=self.storage,
            inspector=inspector,
            ids=self.ids,
            clock=clock,
            policy=policy,
        )
        self.photo_removal = PhotoRemoval(books=self.books, payments=payments, clock=clock)
        self.rewarding = Rewarding(sealer=self.sealer, clock=clock, policy=policy)
        self.checking_out = CheckingOut(
            books=self.books,
            payments=payments,
            rewarding=self.rewarding,
            sealer=self.sealer,
            clock=clock,
            policy=policy,
        )
        self.ownership = PaymentOwnership(self.sealer)
        self.beginning = Beginning(
            recorder=self.recorder, rewarding=self.rewarding, clock=clock, ids=self.ids, policy=policy
        )
        self.paying = Paying(
            books=self.books,
            payments=payments,
            recorder=self.recorder,
            beginning=self.beginning,
            ownership=self.ownership,
            clock=clock,
        )
        self.matching = Matching(
            books=self.books,
            payments=payments,
            recorder=self.recorder,
            beginning=self.beginning,
            clock=clock,
            policy=policy,
        )
        self.restoration_desk = RestorationDesk(
            books=self.books, queue=self.queue, sealer=self.sealer, clock=clock
        )
        self.mail_desk = MailDesk(books=self.books, recorder=self.recorder, clock=clock)
        self.addressing = Addressing(books=self.books, recorder=self.recorder, clock=clock, ids=self.ids)
        self.delivering = Delivering(
            books=self.books,
            storage=self.storage,
            archiver=PlainArchiver(),
            recorder=self.recorder,
            sealer=self.sealer,
            clock=clock,
            policy=policy,
        )
        self.desk = Desk(
            books=self.books, recorder=self.recorder, delivering=self.delivering, clock=clock, ids=self.ids
        )
        self.asking = Asking(
            books=self.books,
            recorder=self.recorder,
            delivering=self.delivering,
            clock=clock,
            policy=policy,
        )
        self.working = Working(
            books=self.books,
            queue=self.queue,
            recorder=self.recorder,
            ids=self.ids,
            crafts=Crafts(
                moving=Moving(storage=self.storage),
                restoring=Restoring(
                    restorer=self.restorer,
                    storage=self.storage,
                    inspector=inspector,
                    output_inspector=inspector,
                    scratch=scratch,
                    sealer=self.sealer,
                    clock=clock,
                    policy=policy,
                ),
                delivering=self.delivering,
                writing=Writing(
                    books=self.books,
                    mailer=self.mailer,
                    writer=self.letter_writer,
                    storage=self.storage,
                    sealer=self.sealer,
                    rewarding=self.rewarding,
                    delivering=self.delivering,
                    clock=clock,
                    policy=policy,
                ),
                refunding=Refunding(payments=payments, clock=clock),
                purging=Purging(storage=self.storage),
            ),
            clock=clock,
            policy=policy,
        )
        self.housekeeping = Housekeeping(books=self.books, storage=self.storage, clock=clock, policy=policy)
        self.forgetting = Forgetting(
            books=self.books,
            recorder=self.recorder,
            purging=Purging(storage=self.storage),
            clock=clock,
            ids=self.ids,
        )
        self.exporting = Exporting(books=self.books, storage=self.storage, archiver=PlainArchiver())
        self.reminding = Reminding(books=self.books, recorder=self.recorder, clock=clock, policy=policy)
        self.retaining = Retaining(books=self.books, recorder=self.recorder, clock=clock, policy=policy)
        self.payment_ledger = MemoryPaymentLedger(self.payments)
        self.restoration_ledger = MemoryRestorationLedger(self.restorer)
        self.mail_ledger = MemoryMailLedger(self.mailer)
        self.log_heads = LogHeads(books=self.books, storage=self.storage, sealer=self.sealer, clock=clock)
        self.reconciling = Reconciling(
            books=self.books,
            comparisons=(
                MoneyComparison(
                    books=self.books,
                    ledger=self.payment_ledger,
                    payments=self.payments,
                    paying=self.paying,
                    ownership=self.ownership,
                ),
                StreamComparison(books=self.books, queue=self.queue),
                ObjectComparison(books=self.books, ledger=self.storage, storage=self.storage),
                PredictionComparison(
                    books=self.books,
                    ledger=self.restoration_ledger,
                    restorer=self.restorer,
                    queue=self.queue,
                    sealer=self.sealer,
                ),
                MailComparison(books=self.books, ledger=self.mail_ledger, mail_desk=self.mail_desk),
            ),
            clock=clock,
            grace=policy.reconcile_grace,
        )
        self.session_rebuilding = SessionRebuilding(
            books=self.books, storage=self.storage, clock=clock, policy=policy
        )
        self.restored_database = RestoredDatabase(
            books=self.books,
            heads=self.log_heads,
            ledger=self.payment_ledger,
            ownership=self.ownership,
            beginning=self.beginning,
            sessions=self.session_rebuilding,
            rebuilding=OrderRebuilding(
                books=self.books,
                storage=self.storage,
                moving=Moving(storage=self.storage),
                delivering=self.delivering,
                mails=self.mail_ledger,
                recorder=self.recorder,
                sealer=self.sealer,
                clock=clock,
                policy=policy,
            ),
            reconciling=self.reconciling,
            clock=clock,
        )


class MemoryShop(WiredShop):
    """A shop of doubles, with the hands a test needs: a customer, a restorer's outcome, a worker."""

    clock: StoppedClock
    ids: CountingIds
    queue: MemoryQueue

    def __init__(
        self,
        policy: Policy = POLICY,
        books: Books | None = None,
        payment_provider: PaymentProvider | None = None,
        payments: MemoryPayments | None = None,
        secret_key: bytes | None = None,
        ids: CountingIds | None = None,
    ) -> None:
        self.secret_key = secret_key or self.secret_key
        self.policy = policy
        self.clock = StoppedClock()
        self.ids = ids or CountingIds()
        self.own_books = InMemoryBooks()
        self.books = books or self.own_books
        self.queue = MemoryQueue()
        self.storage = MemoryStore(clock=self.clock)
        self.payments = payments or MemoryPayments()
        self.restorer = MemoryRestorer()
        self.mailer = MemoryMailer()
        self.wire(payment_provider or self.payments)

    def upload(self, *photos: bytes) -> UploadSessionId:
        """Open a session and send photos to it."""
        session_id = self.uploading.open().session_id
        self.add(session_id, *photos)
        return session_id

    def add(self, session_id: UploadSessionId, *photos: bytes) -> None:
        """Send photos to a session."""
        for number, photo in enumerate(photos, start=1):
            self.uploading.add(session_id, f"great-aunt-{number}.jpg", io.BytesIO(photo), len(photo))

    def payment(self, session_id: UploadSessionId, **facts: Any) -> PaymentNotice:
        """Open the checkout, pay it, and give the notice the provider would post."""
        checkout = self.checking_out.open(session_id, email=None)
        assert checkout.checkout_session_id is not None
        nothing = Money(amount=0, currency=checkout.quoted.currency)
        discount = checkout.spending.discount if checkout.spending else nothing
        told = CheckoutNotice(
            checkout_session_id=checkout.checkout_session_id,
            upload_session_id=session_id,
            order_id=self.uploading.find(session_id).order_id,
            payment_intent_id=self.payments.pay(checkout.checkout_session_id) or None,
            paid=checkout.quoted - discount,
            discount=discount,
            email="ada@customer.example",
            name="Ada",
            locale="en",
            spending=checkout.spending,
            seal=self.payments.checkouts[checkout.checkout_session_id].seal,
        )
        return PaymentNotice(
            event_id=f"evt_{self.ids.new().int}",
            event_type="checkout.session.completed",
            kind=NoticeKind.PAID,
            checkout=replace(told, **facts),
        )

    def checkout(self, session_id: UploadSessionId) -> str:
        """Open the checkout and give the provider's id of it."""
        opened = self.checking_out.open(session_id, email=None).checkout_session_id
        assert opened is not None
        return opened

    def told(self, checkout_session_id: str, kind: NoticeKind) -> PaymentNotice:
        """The notice the provider would post of a checkout, which may be otherwise by now."""
        return PaymentNotice(
            event_id=f"evt_{self.ids.new().int}",
            event_type=f"checkout.session.{kind}",
            kind=kind,
            checkout=self.payments.states[checkout_session_id].checkout,
        )

    def pay(self, session_id: UploadSessionId, **facts: Any) -> OrderId:
        """Pay a session and take in the provider's notice; gives the order."""
        self.paying.take(self.payment(session_id, **facts), sha256_of(b"notice"))
        return self.uploading.find(session_id).order_id

    def order(self, order_id: OrderId) -> Order:
        """The order as the log tells it."""
        with self.books.transaction() as transaction:
            return transaction.log.load(order_id)

    def events(self, order_id: OrderId) -> list[Event]:
        """The order's events."""
        with self.books.transaction() as transaction:
            return [recorded.event for recorded in transaction.log.history(order_id)]

    def work(self) -> None:
        """Do all that is waiting, and what follows from it, until the queue is empty."""
        for _ in range(REST_LIMIT):
            if not self.queue.waiting:
                return
            self.perform(self.queue.waiting.popleft())
        raise AssertionError("The shop does not come to rest.")

    def perform(self, reaction_id: UUID) -> None:
        """Do one reaction, as a worker that is handed its id."""
        claimed = self.working.claim(reaction_id)
        if claimed is not None:
            self.working.perform(*claimed)

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
        """Deliver the restorer's webhook for a prediction, to the address it was given."""
        order, image, attempt, mark = self.restorer.works[prediction_id].webhook_url.split("/")[-4:]
        address = OrderId(UUID(order)), ImageId(UUID(image)), int(attempt)
        self.restoration_desk.require_mark(mark, *address)
        notice = RestorationNotice(
            event_id=f"msg_{prediction_id}", prediction_id=prediction_id, has_ended=True
        )
        self.restoration_desk.take(notice, *address, sha256_of(b"notice"))

    @contextmanager
    def books_break_at_record(self) -> Iterator[None]:
        """Let the books fail at the next event that is to be written, as a crash would."""

        def refuse(*_: object) -> None:
            raise RuntimeError("the books broke")

        original = InMemoryOrderLog.record
        InMemoryOrderLog.record = refuse  # type: ignore[assignment]
        try:
            yield
        finally:
            InMemoryOrderLog.record = original  # type: ignore[method-assign]

    def pass_time(self, **duration: float) -> None:
        """Let time pass, then let the sweeper look and the workers work."""
        self.clock.advance(**duration)
        self.working.sweep()
        self.work()

    def live(self, order_id: OrderId, *, hours: float = 3) -> Order:
        """Let an order live by itself, its predictions succeeding, until nothing is left to do or time is up."""
        for _ in range(int(hours * 60)):
            self.work()
            self.end_predictions()
            self.pass_time(minutes=1)
        return self.order(order_id)
