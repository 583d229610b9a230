"""The ports that the application is wired from, one per field."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.ports.archives import Archiver
from domain.ports.clock import Clock
from domain.ports.data_export import ExportText
from domain.ports.dispute_evidence import EvidenceWriter
from domain.ports.email import EmailRenderer, EmailWebhookParser, Mailer
from domain.ports.ids import Ids
from domain.ports.images import ImageInspector, Thumbnailer
from domain.ports.object_storage import ObjectStorage
from domain.ports.observer import NoObserver, Observer
from domain.ports.payments import PaymentProvider, PaymentWebhookParser
from domain.ports.provider_listings import EmailListing, ObjectListing, PaymentListing, PredictionListing
from domain.ports.rate_limiter import RateLimiter
from domain.ports.reaction_queue import ReactionQueue
from domain.ports.restorer import PredictionWebhookParser, Restorer
from domain.ports.scratch_files import ScratchFiles
from domain.ports.shop_facts import ShopFacts
from domain.ports.unit_of_work import Database
from domain.signed_tokens import TokenSigner
from domain.use_cases.monitoring.owner_letters import OwnerLetterWriter
from domain.use_cases.shop_policy import ShopPolicy


class CheckedQueue(ReactionQueue, Protocol):
    """A reaction queue whose health can be checked."""

    def check(self) -> None:
        """Raise UnavailableError unless the queue accepts messages."""


class CheckedClock(Clock, Protocol):
    """A clock whose health can be checked."""

    def check(self) -> None:
        """Raise UnavailableError if this machine's own clock is wrong."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """All ports; ``output_inspector`` allows larger images than ``inspector``."""

    policy: ShopPolicy
    clock: CheckedClock
    ids: Ids
    token_signer: TokenSigner
    scratch: ScratchFiles
    archiver: Archiver
    inspector: ImageInspector
    output_inspector: ImageInspector
    thumbnailer: Thumbnailer
    unit_of_work: Database
    queue: CheckedQueue
    rate_limiter: RateLimiter
    storage: ObjectStorage
    object_listing: ObjectListing
    payments: PaymentProvider
    payment_listing: PaymentListing
    payment_webhook_parser: PaymentWebhookParser
    restorer: Restorer
    prediction_listing: PredictionListing
    prediction_webhook_parser: PredictionWebhookParser
    mailer: Mailer
    email_renderer: EmailRenderer
    email_listing: EmailListing
    email_webhook_parser: EmailWebhookParser
    export_text: ExportText
    evidence_writer: EvidenceWriter
    shop_facts: ShopFacts
    owner_letter_writer: OwnerLetterWriter
    observer: Observer = field(default_factory=NoObserver)
    waiting_log: Callable[[], datetime | None] = lambda: (
        None
    )  # since when files of the log wait for their archiving
