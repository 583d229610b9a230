"""Production's adapters for all ports, built from the settings."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

from adapters import system
from adapters.archive_zip import ZipArchiver
from adapters.backups.log_shipping import WaitingLog
from adapters.email_templates import TemplateEmailRenderer
from adapters.email_templates.owner_letters import TemplateOwnerLetterWriter
from adapters.evidence_pages import TemplateEvidenceWriter
from adapters.images.decoder_pool import DecoderLimits, DecoderPool
from adapters.images.pooled_inspector import PooledInspector
from adapters.localization.export_text import EnglishExportText
from adapters.mailer_sendgrid import SendGridListing, SendGridMailer, SendGridWebhookParser
from adapters.observed_calls import observed
from adapters.payments_stripe import StripeListing, StripePayments, StripeWebhookParser
from adapters.postgres import repositories  # noqa: F401 -- see there
from adapters.postgres.clock import DatabaseClock
from adapters.postgres.shop_facts import PostgresShopFacts
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from adapters.queue_dramatiq import DramatiqQueue
from adapters.rate_limits import RedisRateLimiter
from adapters.restorer_replicate import (
    ModelInputs,
    ReplicateListing,
    ReplicateRestorer,
    ReplicateWebhookParser,
)
from domain.order.values import Variant
from domain.signed_tokens import TokenSigner
from domain.use_cases.shop_policy import MEBIBYTE
from entrypoints.bootstrap.backup_storage import storage_from
from entrypoints.bootstrap.container import Container
from entrypoints.bootstrap.monitoring import Monitoring
from entrypoints.bootstrap.policy import policy_from
from entrypoints.bootstrap.ports import Ports
from entrypoints.process_connections import pool_connections
from entrypoints.settings import Settings

#: The largest image that is accepted from a restorer.
OUTPUT_PIXELS = 100_000_000


def model_inputs_from(settings: Settings) -> dict[Variant, ModelInputs]:
    """The model and its inputs for each variant.

    Without a second model, the second variant uses the first model with other inputs.
    """
    first = ModelInputs(
        model=settings.replicate_model,
        input_name=settings.replicate_input_name,
        extra_input=settings.replicate_extra_input,
    )
    if settings.replicate_second_model is None or settings.replicate_second_input_name is None:
        second = replace(first, extra_input={**first.extra_input, **settings.replicate_redo_extra_input})
    else:
        second = ModelInputs(
            model=settings.replicate_second_model,
            input_name=settings.replicate_second_input_name,
            extra_input=settings.replicate_second_extra_input,
        )
    model_inputs = {Variant.FIRST: first, Variant.SECOND: second}
    if settings.replicate_enlarge_model is not None:
        model_inputs[Variant.ENLARGE] = ModelInputs(
            model=settings.replicate_enlarge_model,
            input_name=settings.replicate_enlarge_input_name,
            extra_input=settings.replicate_enlarge_extra_input,
        )
    return model_inputs


def token_signer_from(settings: Settings) -> TokenSigner:
    """The signer of links; without LINK_SIGNING_KEY it uses WORKER_SECRET_KEY."""
    keys = settings.link_signing_key or (settings.worker_secret_key,)
    return TokenSigner(*(key.get_secret_value().encode() for key in keys))


def decoder_limits_from(settings: Settings) -> DecoderLimits:
    """The resource limits of image decoding."""
    return DecoderLimits(
        processes=settings.decoder_processes,
        cpu_seconds=settings.decoder_cpu_seconds,
        wall_seconds_per_cpu_second=settings.decoder_wall_seconds / settings.decoder_cpu_seconds,
        memory_bytes=settings.decoder_memory_mebibytes * MEBIBYTE,
        waiting=settings.decoder_queue,
        waiting_seconds=settings.decoder_queue_seconds,
    )


@contextmanager
def open_container(
    settings: Settings, queue: DramatiqQueue | None = None, *, monitoring: Monitoring | None = None
) -> Iterator[Container]:
    """Wire the shop from the settings; close everything at the end.

    Adapters connect when they are first used. ``queue`` is given by a caller that declares actors on it; it is
    closed as well. ``monitoring`` observes the work of this process.
    """
    with ExitStack() as resources:
        yield Container(
            _ports_from(settings, queue or queue_from(settings), resources, monitoring or Monitoring())
        )


def queue_from(settings: Settings) -> DramatiqQueue:
    """The queue of the shop's workers."""
    return DramatiqQueue(str(settings.redis_url))


def _ports_from(
    settings: Settings, queue: DramatiqQueue, resources: ExitStack, monitoring: Monitoring
) -> Ports:
    observers = monitoring.call_observers
    token_signer = token_signer_from(settings)
    decoders = resources.enter_context(closing(DecoderPool(decoder_limits_from(settings))))
    # A restorer's output may be twice as wide and twice as high as its input.
    output_inspector = PooledInspector(decoders, max_pixels=OUTPUT_PIXELS, max_jpeg_pixels=OUTPUT_PIXELS)
    connections = pool_connections(settings.worker_threads)
    unit_of_work = PostgresUnitOfWork(str(settings.database_url), connections=connections)
    if monitoring.recorder is not None:
        monitoring.recorder.watch_pool(connections, unit_of_work.connections_in_use)
    clock = resources.enter_context(closing(DatabaseClock(str(settings.database_url))))
    storage = resources.enter_context(closing(storage_from(settings, token_signer)))
    payments = resources.enter_context(closing(payments_from(settings)))
    restorer = resources.enter_context(closing(restorer_from(settings)))
    mailer = mailer_from(settings)
    return Ports(
        policy=policy_from(settings),
        clock=clock,
        ids=system.TimeOrderedIds(),
        token_signer=token_signer,
        scratch=system.TemporaryFiles(),
        archiver=ZipArchiver(),
        inspector=PooledInspector(decoders),
        output_inspector=output_inspector,
        thumbnailer=output_inspector,
        unit_of_work=resources.enter_context(closing(unit_of_work)),
        queue=resources.enter_context(closing(queue)),
        rate_limiter=resources.enter_context(closing(RedisRateLimiter(str(settings.redis_url)))),
        storage=observed(storage, "s3", observers),
        object_listing=storage,
        payments=observed(payments, "stripe", observers),
        payment_listing=_payment_listing_from(settings, payments),
        payment_webhook_parser=StripeWebhookParser(
            secrets=tuple(secret.get_secret_value() for secret in settings.stripe_webhook_secret), clock=clock
        ),
        restorer=observed(restorer, "replicate", observers),
        prediction_listing=ReplicateListing(restorer),
        prediction_webhook_parser=ReplicateWebhookParser(
            secret=settings.replicate_webhook_secret.get_secret_value(), clock=clock
        ),
        mailer=observed(mailer, "sendgrid", observers),
        email_renderer=TemplateEmailRenderer(),
        email_listing=SendGridListing(mailer, clock),
        email_webhook_parser=SendGridWebhookParser(
            public_key=settings.sendgrid_webhook_public_key, clock=clock
        ),
        export_text=EnglishExportText(),
        evidence_writer=TemplateEvidenceWriter(shop_name=settings.sender_name),
        shop_facts=resources.enter_context(closing(PostgresShopFacts(str(settings.database_url)))),
        owner_letter_writer=TemplateOwnerLetterWriter(shop_name=settings.shop_name or settings.sender_name),
        observer=monitoring.observer,
        waiting_log=WaitingLog(settings.backup_wal_directory)
        if settings.backup_wal_directory is not None
        else lambda: None,
    )


def payments_from(settings: Settings) -> StripePayments:
    """Stripe; the caller closes it."""
    return StripePayments(
        secret_key=settings.stripe_secret_key.get_secret_value(), api_base=settings.stripe_api_base
    )


def _payment_listing_from(settings: Settings, payments: StripePayments) -> StripeListing:
    addresses = {settings.public_url, settings.webhook_url or settings.public_url}
    webhook_urls = [f"{address}/api/webhooks/stripe" for address in addresses]
    return StripeListing(payments.client, webhook_urls=webhook_urls)


def restorer_from(settings: Settings) -> ReplicateRestorer:
    """Replicate; the caller closes it."""
    return ReplicateRestorer(
        api_token=settings.replicate_api_token.get_secret_value(),
        api_base=settings.replicate_api_base,
        model_inputs=model_inputs_from(settings),
        output_hosts=frozenset(settings.replicate_output_hosts),
    )


def mailer_from(settings: Settings) -> SendGridMailer:
    """SendGrid."""
    return SendGridMailer(
        api_key=settings.sendgrid_api_key.get_secret_value(),
        api_base=settings.sendgrid_api_base,
        sender_address=settings.sender_address,
        sender_name=settings.sender_name,
    )
