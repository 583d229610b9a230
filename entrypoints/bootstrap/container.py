"""Settings in, a shop out."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Self

from adapters.archive_zip import ZipArchiver
from adapters.email_templates import TemplateEmailRenderer
from adapters.evidence_pages import TemplateEvidencePrinter
from adapters.mailer_sendgrid import SendGridWebhookParser
from adapters.payments_stripe import StripeWebhookParser
from adapters.postgres.clock import DatabaseClock
from adapters.queue_dramatiq import DramatiqQueue
from adapters.restorer_replicate import ReplicateWebhookParser
from domain.ports.email import EmailWebhookParser
from domain.ports.object_storage import ObjectStorage
from domain.ports.payments import PaymentWebhookParser
from domain.ports.restorer import PredictionWebhookParser
from domain.ports.scratch_files import ScratchFiles
from domain.ports.unit_of_work import UnitOfWork
from domain.use_cases.audit.dispute_evidence import DisputeEvidence
from domain.use_cases.checkout.checkout import CheckoutService
from domain.use_cases.checkout.photo_removal import PhotoRemoval
from domain.use_cases.checkout.referrals_and_points import ReferralProgram
from domain.use_cases.checkout.uploads import UploadService
from domain.use_cases.checkout.visitor_limits import VisitorLimits
from domain.use_cases.delivery.downloads import DownloadService
from domain.use_cases.delivery.email_webhook import EmailWebhook
from domain.use_cases.delivery.emails import EmailSender
from domain.use_cases.delivery.link_reminders import LinkReminders
from domain.use_cases.order_command_handler import OrderCommandHandler
from domain.use_cases.payments.checkout_sync import CheckoutSync
from domain.use_cases.payments.order_placement import OrderPlacement
from domain.use_cases.payments.payment_ownership import PaymentOwnership
from domain.use_cases.payments.payment_webhook import PaymentWebhook
from domain.use_cases.payments.refund_and_dispute_webhooks import RefundAndDisputeWebhooks
from domain.use_cases.payments.refunds import RefundService
from domain.use_cases.payments.unmatched_payments import UnmatchedPaymentService
from domain.use_cases.privacy.data_export import DataExport
from domain.use_cases.privacy.erasure import CustomerErasure
from domain.use_cases.privacy.photo_deletion import PhotoDeletion
from domain.use_cases.privacy.photo_retention import PhotoRetention
from domain.use_cases.privacy.upload_cleanup import UploadCleanup
from domain.use_cases.reaction_handlers import ReactionHandlers
from domain.use_cases.reaction_runner import ReactionRunner
from domain.use_cases.reconciliation.run import Reconciliation
from domain.use_cases.recovery.log_heads import LogHeads
from domain.use_cases.recovery.order_rebuilding import OrderRebuilding
from domain.use_cases.recovery.restored_database import RestoredDatabase
from domain.use_cases.recovery.session_rebuilding import SessionRebuilding
from domain.use_cases.restoration.originals import OriginalsCopier
from domain.use_cases.restoration.prediction_limits import PredictionLimiter
from domain.use_cases.restoration.prediction_webhook import PredictionWebhook
from domain.use_cases.restoration.predictions import PredictionService
from domain.use_cases.shop_policy import ShopPolicy
from domain.use_cases.support.customer_requests import CustomerRequests
from domain.use_cases.support.email_correction import EmailCorrection
from domain.use_cases.support.staff_actions import StaffActions
from entrypoints.bootstrap.adapters import Adapters, adapters_from
from entrypoints.bootstrap.reconciliation import email_listing, payment_listing, reconciliation_from
from entrypoints.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Container(AbstractContextManager["Container"]):
    """What the doorways need; leaving it gives every connection back."""

    policy: ShopPolicy
    unit_of_work: UnitOfWork
    storage: ObjectStorage
    scratch: ScratchFiles
    queue: DramatiqQueue
    command_handler: OrderCommandHandler
    visitor_limits: VisitorLimits
    upload_service: UploadService
    photo_removal: PhotoRemoval
    checkout_service: CheckoutService
    payment_webhook: PaymentWebhook
    checkout_sync: CheckoutSync
    unmatched_payment_service: UnmatchedPaymentService
    prediction_webhook: PredictionWebhook
    email_webhook: EmailWebhook
    staff_actions: StaffActions
    email_correction: EmailCorrection
    downloads: DownloadService
    customer_requests: CustomerRequests
    reaction_runner: ReactionRunner
    upload_cleanup: UploadCleanup
    photo_retention: PhotoRetention
    link_reminders: LinkReminders
    data_export: DataExport
    dispute_evidence: DisputeEvidence
    customer_erasure: CustomerErasure
    reconciliation: Reconciliation
    log_heads: LogHeads
    clock: DatabaseClock
    restored_database: RestoredDatabase
    payment_webhook_parser: PaymentWebhookParser
    prediction_webhook_parser: PredictionWebhookParser
    email_webhook_parser: EmailWebhookParser
    resources: ExitStack

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.resources.close()


def build(settings: Settings) -> Container:
    """Wire a shop; nothing is connected before it is used."""
    world = adapters_from(settings)
    unit_of_work, clock, ids, policy = world.unit_of_work, world.clock, world.ids, world.policy
    storage, queue, token_signer = world.storage, world.queue, world.token_signer
    prediction_limiter = PredictionLimiter(unit_of_work=unit_of_work, queue=queue, clock=clock, policy=policy)
    command_handler = OrderCommandHandler(
        unit_of_work=unit_of_work,
        queue=queue,
        prediction_limiter=prediction_limiter,
        clock=clock,
        ids=ids,
        policy=policy,
    )
    referral_program = ReferralProgram(token_signer=token_signer, clock=clock, policy=policy)
    order_placement = OrderPlacement(referral_program=referral_program, clock=clock, ids=ids, policy=policy)
    ownership = PaymentOwnership(token_signer)
    checkout_sync = CheckoutSync(
        unit_of_work=unit_of_work,
        payments=world.payments,
        command_handler=command_handler,
        order_placement=order_placement,
        ownership=ownership,
        clock=clock,
    )
    payment_webhook = PaymentWebhook(
        payments=world.payments,
        command_handler=command_handler,
        checkout_sync=checkout_sync,
        refunds_and_disputes=RefundAndDisputeWebhooks(
            unit_of_work=unit_of_work,
            payments=world.payments,
            command_handler=command_handler,
            checkout_sync=checkout_sync,
            clock=clock,
        ),
        clock=clock,
    )
    email_webhook = EmailWebhook(unit_of_work=unit_of_work, command_handler=command_handler, clock=clock)
    handlers = _handlers(world, command_handler, referral_program)
    comparison = reconciliation_from(world, payment_webhook, checkout_sync, ownership, email_webhook)
    log_heads = LogHeads(unit_of_work=unit_of_work, storage=storage, token_signer=token_signer, clock=clock)
    stripe_secrets = tuple(secret.get_secret_value() for secret in settings.stripe_webhook_secret)
    return Container(
        policy=policy,
        unit_of_work=unit_of_work,
        storage=storage,
        scratch=world.scratch,
        queue=queue,
        command_handler=command_handler,
        visitor_limits=VisitorLimits(
            limiter=world.rate_limiter, unit_of_work=unit_of_work, clock=clock, policy=policy
        ),
        upload_service=UploadService(
            unit_of_work=unit_of_work,
            storage=storage,
            inspector=world.inspector,
            clock=clock,
            ids=ids,
            policy=policy,
        ),
        photo_removal=PhotoRemoval(unit_of_work=unit_of_work, payments=world.payments, clock=clock),
        checkout_service=CheckoutService(
            unit_of_work=unit_of_work,
            payments=world.payments,
            referral_program=referral_program,
            token_signer=token_signer,
            clock=clock,
            policy=policy,
        ),
        unmatched_payment_service=UnmatchedPaymentService(
            unit_of_work=unit_of_work,
            payments=world.payments,
            command_handler=command_handler,
            order_placement=order_placement,
            clock=clock,
            policy=policy,
        ),
        payment_webhook=payment_webhook,
        checkout_sync=checkout_sync,
        prediction_webhook=PredictionWebhook(
            unit_of_work=unit_of_work, queue=queue, token_signer=token_signer, clock=clock
        ),
        email_webhook=email_webhook,
        staff_actions=StaffActions(
            unit_of_work=unit_of_work,
            command_handler=command_handler,
            downloads=handlers.downloads,
            clock=clock,
            ids=ids,
        ),
        email_correction=EmailCorrection(command_handler=command_handler, clock=clock, ids=ids),
        downloads=handlers.downloads,
        customer_requests=CustomerRequests(
            unit_of_work=unit_of_work,
            command_handler=command_handler,
            downloads=handlers.downloads,
            clock=clock,
            policy=policy,
        ),
        reaction_runner=ReactionRunner(
            unit_of_work=unit_of_work,
            queue=queue,
            command_handler=command_handler,
            handlers=handlers,
            prediction_limiter=prediction_limiter,
            clock=clock,
            ids=ids,
            policy=policy,
        ),
        upload_cleanup=UploadCleanup(unit_of_work=unit_of_work, storage=storage, clock=clock, policy=policy),
        photo_retention=PhotoRetention(
            unit_of_work=unit_of_work, command_handler=command_handler, clock=clock, policy=policy
        ),
        link_reminders=LinkReminders(
            unit_of_work=unit_of_work, command_handler=command_handler, clock=clock, policy=policy
        ),
        data_export=DataExport(unit_of_work=unit_of_work, storage=storage, archiver=ZipArchiver()),
        dispute_evidence=DisputeEvidence(
            unit_of_work=unit_of_work,
            storage=storage,
            thumbnailer=world.output_inspector,
            printer=TemplateEvidencePrinter(shop_name=settings.sender_name),
            archiver=ZipArchiver(),
            scratch=world.scratch,
            clock=clock,
        ),
        customer_erasure=CustomerErasure(
            unit_of_work=unit_of_work,
            command_handler=command_handler,
            photo_deletion=handlers.photo_deletion,
            clock=clock,
            ids=ids,
        ),
        reconciliation=comparison,
        log_heads=log_heads,
        clock=clock,
        restored_database=RestoredDatabase(
            unit_of_work=unit_of_work,
            heads=log_heads,
            ledger=payment_listing(world),
            ownership=ownership,
            sessions=SessionRebuilding(
                command_handler=command_handler,
                order_placement=order_placement,
                unit_of_work=unit_of_work,
                storage=storage,
                clock=clock,
                policy=policy,
            ),
            rebuilding=OrderRebuilding(
                unit_of_work=unit_of_work,
                storage=storage,
                originals_copier=handlers.originals_copier,
                downloads=handlers.downloads,
                mails=email_listing(world),
                command_handler=command_handler,
                token_signer=token_signer,
                clock=clock,
                policy=policy,
            ),
            reconciliation=comparison,
            clock=clock,
        ),
        payment_webhook_parser=StripeWebhookParser(secrets=stripe_secrets, clock=clock),
        prediction_webhook_parser=ReplicateWebhookParser(
            secret=settings.replicate_webhook_secret.get_secret_value(), clock=clock
        ),
        email_webhook_parser=SendGridWebhookParser(
            public_key=settings.sendgrid_webhook_public_key, clock=clock
        ),
        resources=world.closing(),
    )


def _handlers(
    world: Adapters, command_handler: OrderCommandHandler, referral_program: ReferralProgram
) -> ReactionHandlers:
    """Who does which work."""
    downloads = DownloadService(
        unit_of_work=world.unit_of_work,
        storage=world.storage,
        archiver=ZipArchiver(),
        command_handler=command_handler,
        token_signer=world.token_signer,
        clock=world.clock,
        policy=world.policy,
    )
    return ReactionHandlers(
        originals_copier=OriginalsCopier(storage=world.storage),
        prediction_service=PredictionService(
            restorer=world.restorer,
            storage=world.storage,
            inspector=world.inspector,
            output_inspector=world.output_inspector,
            scratch=world.scratch,
            token_signer=world.token_signer,
            clock=world.clock,
            policy=world.policy,
        ),
        downloads=downloads,
        email_sender=EmailSender(
            unit_of_work=world.unit_of_work,
            mailer=world.mailer,
            writer=TemplateEmailRenderer(),
            storage=world.storage,
            token_signer=world.token_signer,
            referral_program=referral_program,
            downloads=downloads,
            clock=world.clock,
            policy=world.policy,
        ),
        refund_service=RefundService(payments=world.payments, clock=world.clock),
        photo_deletion=PhotoDeletion(storage=world.storage),
    )
