"""Settings in, a shop out."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Self

from adapters.archive_zip import ZipArchiver
from adapters.email_templates import TemplateLetterWriter
from adapters.evidence_pages import TemplateEvidencePrinter
from adapters.mailer_sendgrid import SendGridNotices
from adapters.payments_stripe import StripeNotices
from adapters.postgres.clock import DatabaseClock
from adapters.queue_dramatiq import DramatiqQueue
from adapters.restorer_replicate import ReplicateNotices
from domain.ports.email import MailNotices
from domain.ports.object_storage import ObjectStore
from domain.ports.payments import PaymentNotices
from domain.ports.restorer import RestorationNotices
from domain.ports.scratch_files import Scratch
from domain.ports.unit_of_work import Books
from domain.use_cases.audit.dispute_evidence import Proving
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
from entrypoints.bootstrap.adapters import World, world_of
from entrypoints.bootstrap.reconciliation import mail_ledger, payment_ledger, reconciling
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
