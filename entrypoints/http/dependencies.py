"""Dependency injection for handlers, and parsing of request headers."""

import re
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from entrypoints.bootstrap.container import Container
from entrypoints.http.checkouts import Checkouts
from entrypoints.http.order_streams import OrderStreams
from entrypoints.http.previews import PreviewAnswers, PreviewCache
from entrypoints.http.webhooks.payment_batches import PaymentBatches

T = TypeVar("T")

#: A use case or port that a handler names as a parameter: injected as it is, without validation of its fields.
Given = NamedDependency[SkipValidation[T]]

#: Threads that receive photos and wait for their decoding. They are separate from the default threads, so that neither
#: slow storage nor a slow decoder delays a webhook. There are more than may wait for a decoder, so that one is always
#: free to refuse an upload.
UPLOAD_THREADS = 32

#: Threads that send files, separate from those that receive them, so that a download never waits for a decoder.
DOWNLOAD_THREADS = 16

#: Threads that wait for the payment provider to open a checkout, half a minute when it hangs; separate from those that
#: handle its webhooks.
CHECKOUT_THREADS = 16

#: A language tag with optional subtags: de, de-AT, zh-Hant-TW.
LOCALE = r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}"


class LoopState:
    """What the requests of one event loop share."""

    def __init__(self, container: Container) -> None:
        self.upload_threads = CapacityLimiter(UPLOAD_THREADS)
        self.download_threads = CapacityLimiter(DOWNLOAD_THREADS)
        self.checkout_threads = CapacityLimiter(CHECKOUT_THREADS)
        self.payment_batches = PaymentBatches(lambda: container.payment_webhook, lambda: container.log_heads)
        self.preview_cache = PreviewCache()


def dependencies_of(container: Container, order_streams: OrderStreams) -> dict[str, Provide]:
    """What handlers can be given, by parameter name.

    Each is looked up in the container at every request.
    """
    loop_state: RunVar[LoopState] = RunVar("loop_state")

    def shared() -> LoopState:
        if (state := loop_state.get(None)) is None:
            loop_state.set(state := LoopState(container))
        return state

    given: dict[str, Callable[[], object]] = {
        "order_streams": lambda: order_streams,
        "upload_threads": lambda: shared().upload_threads,
        "download_threads": lambda: shared().download_threads,
        "checkout_threads": lambda: shared().checkout_threads,
        "payment_batches": lambda: shared().payment_batches,
        "clock": lambda: container.ports.clock,
        "email_correction": lambda: container.email_correction,
        "policy": lambda: container.ports.policy,
        "scratch": lambda: container.ports.scratch,
        "storage": lambda: container.ports.storage,
        "payment_webhook_parser": lambda: container.ports.payment_webhook_parser,
        "prediction_webhook_parser": lambda: container.ports.prediction_webhook_parser,
        "email_webhook_parser": lambda: container.ports.email_webhook_parser,
        "visitor_limits": lambda: container.visitor_limits,
        "upload_service": lambda: container.upload_service,
        "resumable_uploads": lambda: container.resumable_uploads,
        "photo_removal": lambda: container.photo_removal,
        "checkouts": lambda: Checkouts(
            log_heads=container.log_heads,
            visitor_limits=container.visitor_limits,
            checkout_service=container.checkout_service,
        ),
        "payment_webhook": lambda: container.payment_webhook,
        "prediction_webhook": lambda: container.prediction_webhook,
        "email_webhook": lambda: container.email_webhook,
        "downloads": lambda: container.downloads,
        "previews": lambda: PreviewAnswers(container.previews, shared().preview_cache),
        "shared_links": lambda: container.shared_links,
        "customer_requests": lambda: container.customer_requests,
        "queries": lambda: container.queries,
        "photo_galleries": lambda: container.photo_galleries,
        "log_heads": lambda: container.log_heads,
        "readiness_checks": lambda: {
            "database": container.ports.unit_of_work.check,
            "storage": container.ports.storage.check,
            "queue": container.ports.queue.check,
            "uploads": container.upload_service.check,
            "log": container.log_heads.check,
            "clock": container.ports.clock.check,
        },
    }
    return {name: Provide(each, sync_to_thread=False) for name, each in given.items()}


def first_language(accept_language: str) -> str | None:
    """The first language of an Accept-Language header, which is the user's own."""
    first = re.match(rf"\s*({LOCALE})\s*(?:[,;]|$)", accept_language)
    return first[1] if first else None


def is_known(etag: str, if_none_match: str) -> bool:
    """Whether If-None-Match names this version, so that 304 is right."""
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return etag in known or "*" in known
