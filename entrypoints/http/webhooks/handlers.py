"""Webhook handlers: verify the raw bytes, record, then respond with 200."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import structlog
from anyio import CapacityLimiter, to_thread
from litestar import MediaType, post
from litestar.params import FromPath

from domain.order.values import ImageId, OrderId
from domain.ports.email import EmailWebhookParser
from domain.ports.payments import PaymentEventKind, PaymentWebhookParser
from domain.ports.restorer import PredictionWebhookParser
from domain.signed_tokens import sha256_of
from domain.use_cases.delivery.email_webhook import EmailWebhook
from domain.use_cases.payments.payment_events import Handled
from domain.use_cases.payments.payment_webhook import PaymentWebhook
from domain.use_cases.recovery.log_heads import LogHeads
from domain.use_cases.restoration.prediction_webhook import PredictionWebhook
from entrypoints.http.dependencies import Given
from entrypoints.http.openapi import contracts
from entrypoints.http.request_bodies import AnyRequest, receive_bytes

_log = structlog.get_logger(__name__)

#: Far more than any provider posts in one request.
MAX_WEBHOOK_BYTES = 1024 * 1024

Headers = dict[str, str]
T = TypeVar("T")


@post(
    "/api/webhooks/stripe",
    status_code=200,
    media_type=MediaType.TEXT,
    request_max_body_size=None,
    **contracts.WEBHOOK,
)
async def from_stripe(
    payment_webhook_parser: Given[PaymentWebhookParser],
    payment_webhook: Given[PaymentWebhook],
    log_heads: Given[LogHeads],
    payment_threads: Given[CapacityLimiter],
    request: AnyRequest,
) -> None:
    """Handle a Stripe webhook event.

    The payment threads place paid orders; other events may wait for Stripe, and get another thread.
    """

    def handle(body: bytes, headers: Headers) -> Callable[[], None] | None:
        webhook_event = payment_webhook_parser.read(body, headers)
        if webhook_event.is_of_old_version:
            _log.warning(
                "stripe_webhook_version_old",
                api_version=webhook_event.api_version,
                advice="set the endpoint's API version in Stripe to 2024-10-28.acacia or later",
            )

        def handle_event() -> None:
            handled = payment_webhook.handle(webhook_event, sha256_of(payment_webhook_parser.contents(body)))
            about = {
                "provider": "stripe",
                "event_id": webhook_event.event_id,
                "event_type": webhook_event.event_type,
            }
            if handled is Handled.OF_ANOTHER_SHOP:
                _log.info("webhook_of_another_shop", **about)
            elif handled is Handled.REFUND_UNKNOWN:
                _log.warning("webhook_about_unknown_refund", **about)
            elif handled is Handled.DISPUTE_UNKNOWN:
                _log.warning("webhook_about_unknown_dispute", **about)

        if webhook_event.kind is not PaymentEventKind.PAID:
            return handle_event
        handle_event()
        return None

    handle_elsewhere = await _handle(log_heads, request, handle, payment_threads)
    if handle_elsewhere is not None:
        await to_thread.run_sync(handle_elsewhere)


@post(
    "/api/webhooks/replicate/{order:uuid}/{image:uuid}/{attempt:int}/{token:str}",
    status_code=200,
    media_type=MediaType.TEXT,
    request_max_body_size=None,
    **contracts.WEBHOOK,
)
async def from_replicate(
    prediction_webhook_parser: Given[PredictionWebhookParser],
    prediction_webhook: Given[PredictionWebhook],
    log_heads: Given[LogHeads],
    request: AnyRequest,
    order: FromPath[UUID],
    image: FromPath[UUID],
    attempt: FromPath[int],
    token: FromPath[str],
) -> None:
    """Handle a webhook event about a prediction.

    The shop made this address for the prediction; ``token`` is its signed token.
    """
    address = OrderId(order), ImageId(image), attempt
    prediction_webhook.verify_token(token, *address)

    def handle(body: bytes, headers: Headers) -> None:
        webhook_event = prediction_webhook_parser.read(body, headers)
        prediction_webhook.handle(webhook_event, *address, sha256_of(body))

    await _handle(log_heads, request, handle)


@post(
    "/api/webhooks/sendgrid",
    status_code=200,
    media_type=MediaType.TEXT,
    request_max_body_size=None,
    **contracts.WEBHOOK,
)
async def from_sendgrid(
    email_webhook_parser: Given[EmailWebhookParser],
    email_webhook: Given[EmailWebhook],
    log_heads: Given[LogHeads],
    request: AnyRequest,
) -> None:
    """Handle webhook events about e-mails."""

    def handle(body: bytes, headers: Headers) -> None:
        email_webhook.handle(email_webhook_parser.read(body, headers))

    await _handle(log_heads, request, handle)


async def _handle(
    log_heads: LogHeads,
    request: AnyRequest,
    handle: Callable[[bytes, Headers], T],
    limiter: CapacityLimiter | None = None,
) -> T:
    """Handle a body, unless the database is behind its log.

    A database restored from a backup may be; the provider retries the refused webhook later.
    """
    body = await receive_bytes(request, limit_bytes=MAX_WEBHOOK_BYTES)

    def handle_unless_behind() -> T:
        log_heads.check()
        return handle(body, dict(request.headers.items()))

    return await to_thread.run_sync(handle_unless_behind, limiter=limiter)
