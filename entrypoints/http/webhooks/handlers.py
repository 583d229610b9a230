"""What the providers post: checked on the raw bytes, written down, and only then answered with 200."""

from collections.abc import Callable
from uuid import UUID

import structlog
from anyio import to_thread
from litestar import MediaType, post
from litestar.params import FromPath

from domain.order.values import ImageId, OrderId
from domain.signed_tokens import sha256_of
from domain.use_cases.payments.payment_events import Handled
from entrypoints.bootstrap.container import Container
from entrypoints.http.dependencies import TheShop
from entrypoints.http.request_bodies import AnyRequest, receive_bytes

_log = structlog.get_logger(__name__)

#: Far more than any provider posts at once.
MAX_NOTICE_BYTES = 1024 * 1024

Headers = dict[str, str]


@post("/api/webhooks/stripe", status_code=200, media_type=MediaType.TEXT, request_max_body_size=None)
async def from_stripe(shop: TheShop, request: AnyRequest) -> None:
    """Take a notice about money."""

    def take(body: bytes, headers: Headers) -> None:
        webhook_event = shop.payment_webhook_parser.read(body, headers)
        if webhook_event.is_of_old_version:
            _log.warning(
                "stripe_webhook_version_old",
                api_version=webhook_event.api_version,
                advice="set the endpoint's API version in Stripe to 2024-10-28.acacia or later",
            )
        handled = shop.payment_webhook.handle(
            webhook_event, sha256_of(shop.payment_webhook_parser.contents(body))
        )
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

    await _take(shop, request, take)


@post(
    "/api/webhooks/replicate/{order:uuid}/{image:uuid}/{attempt:int}/{mark:str}",
    status_code=200,
    media_type=MediaType.TEXT,
    request_max_body_size=None,
)
async def from_replicate(
    shop: TheShop,
    request: AnyRequest,
    order: FromPath[UUID],
    image: FromPath[UUID],
    attempt: FromPath[int],
    mark: FromPath[str],
) -> None:
    """Take a notice about a prediction, at the address that this shop made for it."""
    address = OrderId(order), ImageId(image), attempt
    shop.prediction_webhook.verify_token(mark, *address)

    def take(body: bytes, headers: Headers) -> None:
        webhook_event = shop.prediction_webhook_parser.read(body, headers)
        shop.prediction_webhook.handle(webhook_event, *address, sha256_of(body))

    await _take(shop, request, take)


@post("/api/webhooks/sendgrid", status_code=200, media_type=MediaType.TEXT, request_max_body_size=None)
async def from_sendgrid(shop: TheShop, request: AnyRequest) -> None:
    """Take notices about mails."""

    def take(body: bytes, headers: Headers) -> None:
        shop.email_webhook.handle(shop.email_webhook_parser.read(body, headers))

    await _take(shop, request, take)


async def _take(shop: Container, request: AnyRequest, take: Callable[[bytes, Headers], None]) -> None:
    """Take a body, unless the database is one that was restored: the provider posts it again later."""
    body = await receive_bytes(request, limit_bytes=MAX_NOTICE_BYTES)

    def take_unless_behind() -> None:
        shop.log_heads.check()
        take(body, dict(request.headers.items()))

    await to_thread.run_sync(take_unless_behind)
