"""Webhook handlers: verify the raw bytes, record, then respond with 200."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

import structlog
from anyio import to_thread
from litestar import MediaType, post
from litestar.params import FromPath

from domain.order.values import ImageId, OrderId
from domain.ports.email import EmailWebhookParser
from domain.ports.payments import PaymentWebhookEvent, PaymentWebhookParser
from domain.ports.restorer import PredictionWebhookParser
from domain.signed_tokens import sha256_of
from domain.use_cases.delivery.email_webhook import EmailWebhook
from domain.use_cases.payments.checkout_sync import trigger_of
from domain.use_cases.payments.payment_events import Handled
from domain.use_cases.payments.payment_webhook import PaymentWebhook, ReceivedWebhook, is_payment
from domain.use_cases.recovery.log_heads import LogHeads
from domain.use_cases.restoration.prediction_webhook import PredictionWebhook
from entrypoints.http.dependencies import Given
from entrypoints.http.openapi.contracts import service as contracts
from entrypoints.http.request_bodies import AnyRequest, receive_bytes
from entrypoints.http.request_logging import note_cause
from entrypoints.http.webhooks.payment_batches import PaymentBatches

_log = structlog.get_logger(__name__)

#: Far more than any provider posts in one request.
MAX_WEBHOOK_BYTES = 1024 * 1024

#: Verified and parsed by the event loop itself, in less time than a thread takes to start with it.
SMALL_WEBHOOK_BYTES = 32 * 1024

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
    payment_batches: Given[PaymentBatches],
    log_heads: Given[LogHeads],
    request: AnyRequest,
) -> None:
    """Handle a Stripe webhook event.

    Payments are handled in batches; other events may wait for Stripe, each in a thread of its own.
    """
    body = await receive_bytes(request, limit_bytes=MAX_WEBHOOK_BYTES)

    def read() -> ReceivedWebhook:
        event = payment_webhook_parser.read(body, dict(request.headers.items()))
        return ReceivedWebhook(event, sha256_of(payment_webhook_parser.contents(body)))

    def handle_alone() -> Handled:
        log_heads.check()
        return payment_webhook.handle(*received)

    received = read() if len(body) <= SMALL_WEBHOOK_BYTES else await to_thread.run_sync(read)
    checkout = received.event.checkout
    cause = trigger_of(received.event.event_id).name
    note_cause(request.scope, cause, checkout.order_id if checkout is not None else None)
    if is_payment(received.event):
        handled = await payment_batches.handle(received)
    else:
        handled = await to_thread.run_sync(handle_alone)
    if handled is not Handled.RECORDED:
        request.scope["state"]["verdict"] = handled.value
    _log_payment_event(received.event, handled)


def _log_payment_event(event: PaymentWebhookEvent, handled: Handled) -> None:
    about = {"provider": "stripe", "event_id": event.event_id, "event_type": event.event_type}
    if event.is_of_old_version:
        _log.warning(
            "stripe_webhook_version_old",
            api_version=event.api_version,
            advice="set the endpoint's API version in Stripe to 2024-10-28.acacia or later",
        )
    if handled is Handled.OF_ANOTHER_SHOP:
        _log.info("webhook_of_another_shop", **about)
    elif handled is Handled.REFUND_UNKNOWN:
        _log.warning("webhook_about_unknown_refund", **about)
    elif handled is Handled.DISPUTE_UNKNOWN:
        _log.warning("webhook_about_unknown_dispute", **about)


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
) -> T:
    """Handle a body, unless the database is behind its log.

    A database restored from a backup may be; the provider retries the refused webhook later.
    """
    body = await receive_bytes(request, limit_bytes=MAX_WEBHOOK_BYTES)

    def handle_unless_behind() -> T:
        log_heads.check()
        return handle(body, dict(request.headers.items()))

    return await to_thread.run_sync(handle_unless_behind)
