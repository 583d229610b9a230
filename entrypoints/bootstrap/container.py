"""The composition root: every use case, wired from its ports.

Production hands it adapters (``adapters.py``), tests and simulation hand it doubles; no adapter is imported here.
"""

from domain.use_cases.audit.dispute_evidence import DisputeEvidence
from domain.use_cases.checkout.checkout import CheckoutService
from domain.use_cases.checkout.photo_removal import PhotoRemoval
from domain.use_cases.checkout.referrals_and_points import ReferralProgram
from domain.use_cases.checkout.resumable_uploads import ResumableUploadService
from domain.use_cases.checkout.upload_parts import UploadParts
from domain.use_cases.checkout.uploads import UploadService
from domain.use_cases.checkout.visitor_limits import VisitorLimits
from domain.use_cases.delivery.archives import ArchiveBuilder
from domain.use_cases.delivery.downloads import DownloadService
from domain.use_cases.delivery.email_webhook import EmailWebhook
from domain.use_cases.delivery.emails import EmailSender
from domain.use_cases.delivery.link_reminders import LinkReminders
from domain.use_cases.delivery.previews import Previews
from domain.use_cases.delivery.shared_links import SharedLinks
from domain.use_cases.idempotent_requests import IdempotentRequests
from domain.use_cases.monitoring.figures_reader import FiguresReader
from domain.use_cases.monitoring.owner_letters import OwnerLetterService
from domain.use_cases.monitoring.storage_trial import StorageTrial
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
from domain.use_cases.queries import PhotoGalleries, Queries
from domain.use_cases.reaction_handlers import ReactionHandlers
from domain.use_cases.reaction_runner import ReactionRunner
from domain.use_cases.restoration.originals import OriginalsCopier
from domain.use_cases.restoration.prediction_limits import PredictionLimiter
from domain.use_cases.restoration.prediction_webhook import PredictionWebhook
from domain.use_cases.restoration.predictions import PredictionService
from domain.use_cases.support.customer_requests import CustomerRequests
from domain.use_cases.support.email_correction import EmailCorrection
from domain.use_cases.support.staff_actions import StaffActions
from entrypoints.bootstrap.ports import Ports
from entrypoints.bootstrap.reconciliation import reconciliation_from
from entrypoints.bootstrap.recovery import log_heads_from, restored_database_from


class Container:
    """The shop's use cases; each group is wired after those it needs."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.prediction_limiter = PredictionLimiter(
            unit_of_work=ports.unit_of_work, queue=ports.queue, clock=ports.clock, policy=ports.policy
        )
        self.command_handler = OrderCommandHandler(
            unit_of_work=ports.unit_of_work,
            queue=ports.queue,
            prediction_limiter=self.prediction_limiter,
            clock=ports.clock,
            ids=ports.ids,
            policy=ports.policy,
            observer=ports.observer,
        )
        self._wire_checkout(ports)
        self._wire_payments(ports)
        self._wire_delivery(ports)
        self._wire_restoration(ports)
        self._wire_support(ports)
        self._wire_privacy(ports)
        self._wire_reactions(ports)
        self._wire_audit(ports)
        self._wire_queries(ports)
        self._wire_reconciliation(ports)
        self._wire_recovery(ports)
        self._wire_monitoring(ports)

    def _wire_checkout(self, ports: Ports) -> None:
        self.visitor_limits = VisitorLimits(
            limiter=ports.rate_limiter,
            unit_of_work=ports.unit_of_work,
            clock=ports.clock,
            policy=ports.policy,
        )
        self.upload_service = UploadService(
            unit_of_work=ports.unit_of_work,
            storage=ports.storage,
            inspector=ports.inspector,
            clock=ports.clock,
            ids=ports.ids,
            policy=ports.policy,
        )
        self.photo_removal = PhotoRemoval(
            unit_of_work=ports.unit_of_work, payments=ports.payments, clock=ports.clock
        )
        self.resumable_uploads = ResumableUploadService(
            unit_of_work=ports.unit_of_work,
            uploads=self.upload_service,
            photo_removal=self.photo_removal,
            parts=UploadParts(ports.storage),
            scratch=ports.scratch,
            ids=ports.ids,
            policy=ports.policy,
        )
        self.referral_program = ReferralProgram(
            token_signer=ports.token_signer, clock=ports.clock, policy=ports.policy
        )
        self.checkout_service = CheckoutService(
            unit_of_work=ports.unit_of_work,
            payments=ports.payments,
            referral_program=self.referral_program,
            token_signer=ports.token_signer,
            clock=ports.clock,
            policy=ports.policy,
        )

    def _wire_payments(self, ports: Ports) -> None:
        self.ownership = PaymentOwnership(ports.token_signer)
        self.order_placement = OrderPlacement(
            referral_program=self.referral_program,
            clock=ports.clock,
            ids=ports.ids,
            policy=ports.policy,
        )
        self.checkout_sync = CheckoutSync(
            unit_of_work=ports.unit_of_work,
            payments=ports.payments,
            command_handler=self.command_handler,
            order_placement=self.order_placement,
            ownership=self.ownership,
            clock=ports.clock,
        )
        self.payment_webhook = PaymentWebhook(
            payments=ports.payments,
            command_handler=self.command_handler,
            checkout_sync=self.checkout_sync,
            refunds_and_disputes=RefundAndDisputeWebhooks(
                unit_of_work=ports.unit_of_work,
                payments=ports.payments,
                command_handler=self.command_handler,
                checkout_sync=self.checkout_sync,
                clock=ports.clock,
            ),
            clock=ports.clock,
        )
        self.unmatched_payment_service = UnmatchedPaymentService(
            unit_of_work=ports.unit_of_work,
            payments=ports.payments,
            command_handler=self.command_handler,
            order_placement=self.order_placement,
            clock=ports.clock,
            policy=ports.policy,
        )
        self.refund_service = RefundService(payments=ports.payments, clock=ports.clock)

    def _wire_delivery(self, ports: Ports) -> None:
        self.archives = ArchiveBuilder(
            unit_of_work=ports.unit_of_work,
            storage=ports.storage,
            archiver=ports.archiver,
            token_signer=ports.token_signer,
            clock=ports.clock,
            policy=ports.policy,
        )
        self.downloads = DownloadService(
            unit_of_work=ports.unit_of_work,
            command_handler=self.command_handler,
            token_signer=ports.token_signer,
            clock=ports.clock,
            policy=ports.policy,
        )
        self.previews = Previews(
            unit_of_work=ports.unit_of_work,
            downloads=self.downloads,
            storage=ports.storage,
            thumbnailer=ports.thumbnailer,
            scratch=ports.scratch,
        )
        self.shared_links = SharedLinks(
            command_handler=self.command_handler,
            downloads=self.downloads,
            token_signer=ports.token_signer,
            clock=ports.clock,
        )
        self.email_sender = EmailSender(
            unit_of_work=ports.unit_of_work,
            mailer=ports.mailer,
            writer=ports.email_renderer,
            storage=ports.storage,
            token_signer=ports.token_signer,
            referral_program=self.referral_program,
            downloads=self.downloads,
            clock=ports.clock,
            policy=ports.policy,
        )
        self.email_webhook = EmailWebhook(
            unit_of_work=ports.unit_of_work, command_handler=self.command_handler, clock=ports.clock
        )
        self.link_reminders = LinkReminders(
            unit_of_work=ports.unit_of_work,
            command_handler=self.command_handler,
            clock=ports.clock,
            policy=ports.policy,
        )

    def _wire_restoration(self, ports: Ports) -> None:
        self.originals_copier = OriginalsCopier(storage=ports.storage)
        self.prediction_service = PredictionService(
            unit_of_work=ports.unit_of_work,
            restorer=ports.restorer,
            storage=ports.storage,
            inspector=ports.inspector,
            output_inspector=ports.output_inspector,
            scratch=ports.scratch,
            token_signer=ports.token_signer,
            clock=ports.clock,
            policy=ports.policy,
            observer=ports.observer,
        )
        self.prediction_webhook = PredictionWebhook(
            unit_of_work=ports.unit_of_work,
            queue=ports.queue,
            token_signer=ports.token_signer,
            clock=ports.clock,
        )

    def _wire_support(self, ports: Ports) -> None:
        self.staff_actions = StaffActions(
            unit_of_work=ports.unit_of_work,
            command_handler=self.command_handler,
            downloads=self.downloads,
            clock=ports.clock,
            ids=ports.ids,
        )
        self.email_correction = EmailCorrection(
            command_handler=self.command_handler, clock=ports.clock, ids=ports.ids
        )
        self.customer_requests = CustomerRequests(
            command_handler=self.command_handler,
            downloads=self.downloads,
            clock=ports.clock,
            policy=ports.policy,
        )

    def _wire_privacy(self, ports: Ports) -> None:
        self.photo_deletion = PhotoDeletion(storage=ports.storage)
        self.photo_retention = PhotoRetention(
            unit_of_work=ports.unit_of_work,
            command_handler=self.command_handler,
            clock=ports.clock,
            policy=ports.policy,
        )
        self.upload_cleanup = UploadCleanup(
            unit_of_work=ports.unit_of_work, storage=ports.storage, clock=ports.clock, policy=ports.policy
        )
        self.customer_erasure = CustomerErasure(
            unit_of_work=ports.unit_of_work,
            command_handler=self.command_handler,
            photo_deletion=self.photo_deletion,
            clock=ports.clock,
            ids=ports.ids,
        )
        self.data_export = DataExport(
            unit_of_work=ports.unit_of_work,
            storage=ports.storage,
            archiver=ports.archiver,
            text=ports.export_text,
        )

    def _wire_reactions(self, ports: Ports) -> None:
        self.reaction_runner = ReactionRunner(
            unit_of_work=ports.unit_of_work,
            queue=ports.queue,
            command_handler=self.command_handler,
            handlers=ReactionHandlers(
                originals_copier=self.originals_copier,
                prediction_service=self.prediction_service,
                archives=self.archives,
                email_sender=self.email_sender,
                refund_service=self.refund_service,
                photo_deletion=self.photo_deletion,
            ),
            prediction_limiter=self.prediction_limiter,
            clock=ports.clock,
            ids=ports.ids,
            policy=ports.policy,
            observer=ports.observer,
        )

    def _wire_audit(self, ports: Ports) -> None:
        self.dispute_evidence = DisputeEvidence(
            unit_of_work=ports.unit_of_work,
            hash_chain=ports.unit_of_work,
            storage=ports.storage,
            thumbnailer=ports.thumbnailer,
            writer=ports.evidence_writer,
            archiver=ports.archiver,
            scratch=ports.scratch,
            clock=ports.clock,
        )

    def _wire_queries(self, ports: Ports) -> None:
        self.idempotent_requests = IdempotentRequests(unit_of_work=ports.unit_of_work, clock=ports.clock)
        self.queries = Queries(unit_of_work=ports.unit_of_work, hash_chain=ports.unit_of_work)
        self.photo_galleries = PhotoGalleries(
            queries=self.queries, downloads=self.downloads, clock=ports.clock, policy=ports.policy
        )

    def _wire_reconciliation(self, ports: Ports) -> None:
        self.reconciliation = reconciliation_from(
            ports, self.payment_webhook, self.checkout_sync, self.ownership, self.email_webhook
        )

    def _wire_recovery(self, ports: Ports) -> None:
        self.log_heads = log_heads_from(ports)
        self.restored_database = restored_database_from(
            ports,
            self.log_heads,
            self.command_handler,
            self.order_placement,
            self.ownership,
            self.originals_copier,
            self.archives,
            self.reconciliation,
        )

    def _wire_monitoring(self, ports: Ports) -> None:
        self.figures = FiguresReader(
            facts=ports.shop_facts,
            unit_of_work=ports.unit_of_work,
            log_heads=self.log_heads,
            clock=ports.clock,
            policy=ports.policy,
            check_queue=ports.queue.check,
            check_storage=StorageTrial(ports.storage, ports.ids),
            waiting_log=ports.waiting_log,
        )
        self.owner_letters = OwnerLetterService(
            unit_of_work=ports.unit_of_work,
            figures=self.figures,
            facts=ports.shop_facts,
            mailer=ports.mailer,
            writer=ports.owner_letter_writer,
            clock=ports.clock,
            ids=ports.ids,
            owner=ports.policy.owner,
        )
