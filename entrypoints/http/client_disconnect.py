"""Cancellation of work when its client disconnects."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from litestar.types import Receive

from domain.ports.cancellation import CanceledError, Cancellation
from entrypoints.cancellation import ThreadCancellation
from entrypoints.http.errors import ClientGoneError
from entrypoints.http.request_bodies import AnyRequest

T = TypeVar("T")


async def run_for_client(
    request: AnyRequest, work: Callable[[Cancellation], T], *, limiter: CapacityLimiter
) -> T:
    """Run ``work`` in a thread; request its cancellation when the client disconnects.

    The body must have been read. Raises ClientGoneError if the work was canceled.
    """
    cancellation = ThreadCancellation()
    leaving = asyncio.create_task(_request_when_gone(request.receive, cancellation))
    try:
        return await to_thread.run_sync(work, cancellation, limiter=limiter)
    except CanceledError as error:
        raise ClientGoneError from error
    finally:
        leaving.cancel()


async def has_left(receive: Receive) -> None:
    """Wait until the client disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _request_when_gone(receive: Receive, cancellation: ThreadCancellation) -> None:
    await has_left(receive)
    cancellation.request()
