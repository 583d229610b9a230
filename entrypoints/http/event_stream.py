"""The response that sends an order's events to one client (server-sent events)."""

import asyncio
from collections.abc import Callable

from litestar.response import ServerSentEventMessage
from litestar.types import Receive, Scope, Send

from domain.order.states import TERMINAL
from domain.order.values import OrderId
from domain.ports.errors import UnavailableError
from entrypoints.http.client_disconnect import has_left
from entrypoints.http.order_streams import OrderStreams, Watch

#: How long a stream lasts; the browser then opens the next with Last-Event-ID.
STREAM_SECONDS = 240.0

#: How often something is sent, so that no proxy closes a quiet connection.
KEEP_ALIVE_SECONDS = 15.0

#: How soon a browser opens the next stream.
RETRY_MILLISECONDS = 3000

#: What a stream is answered with.
STREAM_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "private, no-store",
    "X-Accel-Buffering": "no",  # for a proxy that would collect the events
}

ReadDocument = Callable[[OrderId], tuple[int, bytes]]


class OrderEventStream:
    """An ASGI application that sends each new status of an order.

    It ends after STREAM_SECONDS, once the order is over, when the client leaves or when the process stops.
    """

    def __init__(self, streams: OrderStreams, watch: Watch, known_version: int, read: ReadDocument) -> None:
        self._streams = streams
        self._watch = watch
        self._known_version = known_version
        self._read = read

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        leaving = asyncio.create_task(has_left(receive))
        leaving.add_done_callback(lambda _: self._watch.woken.set())
        try:
            headers = [(name.lower().encode(), value.encode()) for name, value in STREAM_HEADERS.items()]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._send_events(send, leaving)
            if not leaving.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            leaving.cancel()
            self._streams.close(self._watch)

    async def _send_events(self, send: Send, leaving: asyncio.Task[None]) -> None:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + STREAM_SECONDS
        await _send(send, ServerSentEventMessage(data=None, retry=RETRY_MILLISECONDS))
        while not (leaving.done() or self._streams.is_closing):
            self._watch.woken.clear()
            if self._watch.latest.version != self._known_version and not await self._send_status(send):
                return
            is_over = self._watch.latest.state in TERMINAL
            left_seconds = ends_at - loop.time()
            if is_over or left_seconds <= 0:
                return
            try:
                async with asyncio.timeout(min(KEEP_ALIVE_SECONDS, left_seconds)):
                    await self._watch.woken.wait()
            except TimeoutError:
                await _send(send, ServerSentEventMessage(data=None, comment="still here"))

    async def _send_status(self, send: Send) -> bool:
        """Send the status; False if it cannot be read now."""
        try:
            self._known_version, document = await self._streams.document(self._watch, self._read)
        except UnavailableError:
            return False
        await _send(send, ServerSentEventMessage(event="status", id=self._known_version, data=document))
        return True


async def _send(send: Send, message: ServerSentEventMessage) -> None:
    await send({"type": "http.response.body", "body": message.encode(), "more_body": True})
