"""Settings in, a shop out."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Self

from adapters.archive_zip import ZipArchiver
from adapters.evidence_page import TemplateEvidencePrinter
from adapters.letters import TemplateLetterWriter
from adapters.mailer_sendgrid import SendGridNotices
from adapters.payments_stripe import StripeNotices
from adapters.postgres.clock import DatabaseClock
from adapters.queue_dramatiq import DramatiqQueue
from adapters.restorer_replicate import ReplicateNotices
from domain.ports.books import Books
from domain.ports.mail import MailNotices
from domain.ports.payments import PaymentNotices
from domain.ports.restorer import RestorationNotices
from domain.ports.storage import ObjectStore
from domain.ports.world import Scratch
from domain.services.addressing import Addressing
from domain.services.asking import Asking
from domain.services.beginning import Beginning
from domain.services.checkout import CheckingOut
from domain.services.delivering import Delivering
from domain.services.desk import Desk
from domain.services.evidence import Proving
from domain.services.exporting import Exporting
from domain.services.forgetting import Forgetting
from domain.services.housekeeping import Housekeeping
from domain.services.matching import Matching
from domain.services.moving import Moving
from domain.services.paying import Paying
from domain.services.policy import Policy
from domain.services.purging import Purging
from domain.services.reconciling.reconciling import Reconciling
from domain.services.recording import Recorder
from domain.services.refunding import Refunding
from domain.services.reminding import Reminding
from domain.services.restoring import RestorationDesk, Restoring
from domain.services.retaining import Retaining
from domain.services.rewarding import Rewarding
from domain.services.uploading import Uploading
from domain.services.working import Crafts, Working
from domain.services.writing import MailDesk, Writing
from domain.use_cases.checkout.photo_removal import PhotoRemoval
from domain.use_cases.checkout.visitor_limits import VisitorLimits
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from domain.use_cases.recovery.log_heads import LogHeads
from domain.use_cases.recovery.order_rebuilding import OrderRebuilding
from domain.use_cases.recovery.restored_database import RestoredDatabase
from domain.use_cases.recovery.session_rebuilding import SessionRebuilding
from entrypoints.bootstrap.reconciling import mail_ledger, payment_ledger, reconciling
from entrypoints.bootstrap.world import World, world_of
from entrypoints.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Shop(AbstractContextManager["Shop"]):
    """What the doorways need; leaving it gives every connection back."""

    policy: Policy
    books: Books
    storage: ObjectStore
    scratch: Scratch
    queue: DramatiqQueue
    recorder: Recorder
    visitor_limits: VisitorLimits
    uploading: Uploading
    photo_removal: PhotoRemoval
    checking_out: CheckingOut
    paying: Paying
    matching: Matching
    restoration_desk: RestorationDesk
    mail_desk: MailDesk
    desk: Desk
    addressing: Addressing
    delivering: Delivering
    asking: Asking
    working: Working
    housekeeping: Housekeeping
    retaining: Retaining
    reminding: Reminding
    exporting: Exporting
    proving: Proving
    forgetting: Forgetting
    reconciling: Reconciling
    log_heads: LogHeads
    clock: DatabaseClock
    restored_database: RestoredDatabase
    payment_notices: PaymentNotices
    restoration_notices: RestorationNotices
    mail_notices: MailNotices
    resources: ExitStack

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.resources.close()


def build(settings: Settings) -> Shop:
    """Wire a shop; nothing is connected before it is used."""
    world = world_of(settings)
    books, clock, ids, policy = world.books, world.clock, world.ids, world.policy
    storage, queue, sealer = world.storage, world.queue, world.sealer
    recorder = Recorder(books=books, queue=queue, clock=clock, ids=ids, policy=policy)
    rewarding = Rewarding(sealer=sealer, clock=clock, policy=policy)
    beginning = Beginning(recorder=recorder, rewarding=rewarding, clock=clock, ids=ids, policy=policy)
    ownership = PaymentOwnership(sealer)
    paying = Paying(
        books=books,
        payments=world.payments,
        recorder=recorder,
        beginning=beginning,
        ownership=ownership,
        clock=clock,
    )
    mail_desk = MailDesk(books=books, recorder=recorder, clock=clock)
    crafts = _crafts(world, recorder, rewarding)
    comparison = reconciling(world, paying, ownership, mail_desk)
    log_heads = LogHeads(books=books, storage=storage, sealer=sealer, clock=clock)
    stripe_secrets = tuple(secret.get_secret_value() for secret in settings.stripe_webhook_secret)
    return Shop(
        policy=policy,
        books=books,
        storage=storage,
        scratch=world.scratch,
        queue=queue,
        recorder=recorder,
        visitor_limits=VisitorLimits(limiter=world.rate_limiter, books=books, clock=clock, policy=policy),
        uploading=Uploading(
            books=books, storage=storage, inspector=world.inspector, clock=clock, ids=ids, policy=policy
        ),
        photo_removal=PhotoRemoval(books=books, payments=world.payments, clock=clock),
        checking_out=CheckingOut(
            books=books,
            payments=world.payments,
            rewarding=rewarding,
            sealer=sealer,
            clock=clock,
            policy=policy,
        ),
        matching=Matching(
            books=books,
            payments=world.payments,
            recorder=recorder,
            beginning=beginning,
            clock=clock,
            policy=policy,
        ),
        paying=paying,
        restoration_desk=RestorationDesk(books=books, queue=queue, sealer=sealer, clock=clock),
        mail_desk=mail_desk,
        desk=Desk(books=books, recorder=recorder, delivering=crafts.delivering, clock=clock, ids=ids),
        addressing=Addressing(books=books, recorder=recorder, clock=clock, ids=ids),
        delivering=crafts.delivering,
        asking=Asking(
            books=books, recorder=recorder, delivering=crafts.delivering, clock=clock, policy=policy
        ),
        working=Working(
            books=books,
            queue=queue,
            recorder=recorder,
            crafts=crafts,
            clock=clock,
            ids=ids,
            policy=policy,
        ),
        housekeeping=Housekeeping(books=books, storage=storage, clock=clock, policy=policy),
        retaining=Retaining(books=books, recorder=recorder, clock=clock, policy=policy),
        reminding=Reminding(books=books, recorder=recorder, clock=clock, policy=policy),
        exporting=Exporting(books=books, storage=storage, archiver=ZipArchiver()),
        proving=Proving(
            books=books,
            storage=storage,
            thumbnailer=world.output_inspector,
            printer=TemplateEvidencePrinter(shop_name=settings.sender_name),
            archiver=ZipArchiver(),
            scratch=world.scratch,
            clock=clock,
        ),
        forgetting=Forgetting(books=books, recorder=recorder, purging=crafts.purging, clock=clock, ids=ids),
        reconciling=comparison,
        log_heads=log_heads,
        clock=clock,
        restored_database=RestoredDatabase(
            books=books,
            heads=log_heads,
            ledger=payment_ledger(world),
            ownership=ownership,
            beginning=beginning,
            sessions=SessionRebuilding(books=books, storage=storage, clock=clock, policy=policy),
            rebuilding=OrderRebuilding(
                books=books,
                storage=storage,
                moving=crafts.moving,
                delivering=crafts.delivering,
                mails=mail_ledger(world),
                recorder=recorder,
                sealer=sealer,
                clock=clock,
                policy=policy,
            ),
            reconciling=comparison,
            clock=clock,
        ),
        payment_notices=StripeNotices(secrets=stripe_secrets, clock=clock),
        restoration_notices=ReplicateNotices(
            secret=settings.replicate_webhook_secret.get_secret_value(), clock=clock
        ),
        mail_notices=SendGridNotices(public_key=settings.sendgrid_webhook_public_key, clock=clock),
        resources=world.closing(),
    )


def _crafts(world: World, recorder: Recorder, rewarding: Rewarding) -> Crafts:
    """Who does which work."""
    delivering = Delivering(
        books=world.books,
        storage=world.storage,
        archiver=ZipArchiver(),
        recorder=recorder,
        sealer=world.sealer,
        clock=world.clock,
        policy=world.policy,
    )
    return Crafts(
        moving=Moving(storage=world.storage),
        restoring=Restoring(
            restorer=world.restorer,
            storage=world.storage,
            inspector=world.inspector,
            output_inspector=world.output_inspector,
            scratch=world.scratch,
            sealer=world.sealer,
            clock=world.clock,
            policy=world.policy,
        ),
        delivering=delivering,
        writing=Writing(
            books=world.books,
            mailer=world.mailer,
            writer=TemplateLetterWriter(),
            storage=world.storage,
            sealer=world.sealer,
            rewarding=rewarding,
            delivering=delivering,
            clock=world.clock,
            policy=world.policy,
        ),
        refunding=Refunding(payments=world.payments, clock=world.clock),
        purging=Purging(storage=world.storage),
    )
