"""What `doctor` examines: adapters that read how things are set up."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from adapters.backups.programs import major_version_of
from adapters.backups.vault import WalArchive
from adapters.dns_records import DnsRecords
from adapters.mailer_sendgrid import SendGridMailer
from adapters.mailer_sendgrid.account import EventWebhook, SenderDomain, SendGridAccount
from adapters.payments_stripe import StripePayments
from adapters.payments_stripe.account import (
    FINGERPRINT_LABEL,
    StripeAccount,
    WebhookEndpoint,
    fingerprint_of,
    is_same_address,
)
from adapters.postgres.archiving_facts import ArchivingFacts, archiving_facts
from adapters.postgres.clock import DatabaseClock
from adapters.postgres.schema import OLDEST_SERVER
from adapters.postgres.server_facts import ServerFacts, server_facts
from adapters.postgres.shop_facts import PostgresShopFacts
from adapters.postgres.upgrade_facts import SESSION_PREFIX, read_sessions
from adapters.public_address import CertificateError, PublicAddress, PublicAnswer, UnansweredAddressError
from adapters.restorer_replicate import ReplicateRestorer
from adapters.restorer_replicate.account import ModelFacts, ReplicateAccount
from adapters.storage_minio.bucket import BucketFacts, LifecycleRule, StorageBucket
from domain.order.values import Variant
from domain.ports.object_storage import ObjectStorage
from domain.use_cases.recovery.log_heads import LogHeads
from entrypoints.bootstrap.adapters import (
    mailer_from,
    model_inputs_from,
    payments_from,
    queue_from,
    restorer_from,
    token_signer_from,
)
from entrypoints.bootstrap.backup_storage import backup_storage_from, open_vault, storage_from
from entrypoints.bootstrap.database import check_database, connection_problems_explained, open_unit_of_work
from entrypoints.settings import Settings

__all__ = [
    "FINGERPRINT_LABEL",
    "OLDEST_SERVER",
    "SESSION_PREFIX",
    "ArchivingFacts",
    "BucketFacts",
    "CertificateError",
    "Diagnosis",
    "EventWebhook",
    "LifecycleRule",
    "ModelFacts",
    "PublicAddress",
    "PublicAnswer",
    "SenderDomain",
    "ServerFacts",
    "StorageBucket",
    "UnansweredAddressError",
    "WebhookEndpoint",
    "fingerprint_of",
    "is_same_address",
    "open_diagnosis",
    "replicate_account_of",
    "sendgrid_account_of",
    "stripe_account_of",
]

#: How long a look at the outside may take.
TIMEOUT_SECONDS = 8.0


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A shop's settings, and readers of everything that they name."""

    settings: Settings
    check_database: Callable[[], None]
    is_behind_log: Callable[[], bool]  # whether the database lacks an event that the storage knows of
    sessions: Callable[[], Mapping[str, int]]  # of the database, by the name of their program
    server_facts: Callable[[], ServerFacts]
    has_free_space: Callable[[], bool]  # whether the database's disk has some
    archiving_facts: Callable[[], ArchivingFacts]  # of the database that backups are made of
    program_major_version: Callable[[str], int]  # of one of PostgreSQL's programs; raises BackupFailedError
    check_queue: Callable[[], None]
    bucket: StorageBucket
    backup_bucket: StorageBucket | None  # None without a key of the backups
    unopened_backup: Callable[[], str | None]  # the newest one, if BACKUP_KEY does not open it
    unopened_log_file: Callable[[str], str | None]  # the newest archived file of this cluster's log, likewise
    stripe: StripeAccount
    replicate: ReplicateAccount
    sendgrid: SendGridAccount
    dns: DnsRecords
    public: PublicAddress
    webhooks: PublicAddress

    @property
    def shop(self) -> str:
        """The public name of the newest key that signs links."""
        return token_signer_from(self.settings).shop_names()[0]

    @property
    def models(self) -> dict[Variant, str]:
        """The models that the settings name, by variant."""
        return {variant: inputs.model for variant, inputs in model_inputs_from(self.settings).items()}

    @property
    def stripe_webhook_url(self) -> str:
        """Where Stripe has to send events."""
        return f"{self.webhook_base}/api/webhooks/stripe"

    @property
    def sendgrid_webhook_url(self) -> str:
        """Where SendGrid has to send events."""
        return f"{self.webhook_base}/api/webhooks/sendgrid"

    @property
    def webhook_base(self) -> str:
        """Where providers reach the shop."""
        return self.settings.webhook_url or self.settings.public_url


@contextmanager
def open_diagnosis(settings: Settings) -> Iterator[Diagnosis]:
    """Everything that can be examined; nothing is connected yet."""
    with ExitStack() as resources:
        storage = resources.enter_context(closing(storage_from(settings, token_signer_from(settings))))
        payments = resources.enter_context(closing(payments_from(settings)))
        restorer = resources.enter_context(closing(restorer_from(settings)))
        queue = resources.enter_context(closing(queue_from(settings)))
        database_url = str(settings.database_url)
        public, webhooks = (
            resources.enter_context(closing(PublicAddress(address, TIMEOUT_SECONDS)))
            for address in (settings.public_url, settings.webhook_url or settings.public_url)
        )
        yield Diagnosis(
            settings=settings,
            check_database=lambda: check_database(database_url),
            is_behind_log=lambda: _is_behind_log(settings, storage),
            sessions=lambda: _sessions(database_url),
            server_facts=lambda: server_facts(database_url),
            has_free_space=lambda: _has_free_space(database_url),
            archiving_facts=lambda: archiving_facts(settings.backup_database_url or database_url),
            program_major_version=lambda name: major_version_of(name, settings.postgresql_programs),
            check_queue=queue.check,
            bucket=StorageBucket(storage, bucket=settings.s3_bucket, region=settings.s3_region),
            backup_bucket=_backup_bucket(settings, resources),
            unopened_backup=lambda: _unopened_backup(settings),
            unopened_log_file=lambda cluster: _unopened_log_file(settings, cluster),
            stripe=StripeAccount(payments),
            replicate=ReplicateAccount(restorer),
            sendgrid=SendGridAccount(mailer_from(settings)),
            dns=DnsRecords(settings.dns_server, TIMEOUT_SECONDS),
            public=public,
            webhooks=webhooks,
        )


def _is_behind_log(settings: Settings, storage: ObjectStorage) -> bool:
    database_url = str(settings.database_url)
    with (
        open_unit_of_work(database_url) as unit_of_work,
        closing(DatabaseClock(database_url)) as clock,
    ):
        signer = token_signer_from(settings)
        heads = LogHeads(unit_of_work=unit_of_work, storage=storage, token_signer=signer, clock=clock)
        return heads.is_behind()


def _has_free_space(database_url: str) -> bool:
    with closing(PostgresShopFacts(database_url)) as facts:
        return facts.has_free_space()


def _sessions(database_url: str) -> Mapping[str, int]:
    with connection_problems_explained(database_url):
        return read_sessions(database_url)


def _backup_bucket(settings: Settings, resources: ExitStack) -> StorageBucket | None:
    if settings.backup_key is None:
        return None
    return StorageBucket(
        resources.enter_context(closing(backup_storage_from(settings))),
        bucket=settings.backup_s3_bucket or settings.s3_bucket,
        region=settings.backup_s3_region or settings.s3_region,
    )


def _unopened_backup(settings: Settings) -> str | None:
    with open_vault(settings) as vault:
        return vault.newest_unopened()


def _unopened_log_file(settings: Settings, cluster: str) -> str | None:
    with closing(backup_storage_from(settings)) as storage:
        return WalArchive(storage, settings.secrets_of_backups(), cluster).newest_unopened()


def stripe_account_of(secret_key: str, api_base: str) -> StripeAccount:
    """The Stripe account of a key, before all settings are known."""
    return StripeAccount(StripePayments(secret_key=secret_key, api_base=api_base))


def replicate_account_of(api_token: str, api_base: str) -> ReplicateAccount:
    """The Replicate account of a token."""
    restorer = ReplicateRestorer(
        api_token=api_token, api_base=api_base, model_inputs={}, output_hosts=frozenset()
    )
    return ReplicateAccount(restorer)


def sendgrid_account_of(api_key: str, api_base: str) -> SendGridAccount:
    """The SendGrid account of a key."""
    return SendGridAccount(
        SendGridMailer(api_key=api_key, api_base=api_base, sender_address="", sender_name="")
    )
