"""Preview responses: bounded work, a bounded cache, and entity tags."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from anyio import CapacityLimiter, to_thread
from litestar import HttpMethod, Response

from domain.ports.errors import UnavailableError
from domain.use_cases.delivery.previews import Previews, PreviewSize, PreviewSource
from entrypoints.http.byte_ranges import is_known_to_client
from entrypoints.http.request_bodies import AnyRequest

#: Previews made at a time, so that they leave decoders to uploads.
PREVIEW_THREADS = 2

#: Previews that may be made or wait for it; a page of the largest order requests 200, a few at a time.
MAX_WAITING = 64

#: Memory for finished previews: some thousand thumbnails of 20 kB.
CACHE_BYTES = 48 * 1024 * 1024

_RETRY_SECONDS = 5.0


class PreviewCache:
    """Make each preview once at a time; keep recent ones.

    Used on the event loop alone. The caller checks access before it asks.
    """

    def __init__(self, max_bytes: int = CACHE_BYTES, max_waiting: int = MAX_WAITING) -> None:
        self._max_bytes = max_bytes
        self._max_waiting = max_waiting
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0
        self._running: dict[str, asyncio.Task[bytes]] = {}
        self._threads = CapacityLimiter(PREVIEW_THREADS)

    async def get(self, key: str, render: Callable[[], bytes]) -> bytes:
        """The preview with this key.

        Raises what ``render`` raises, and UnavailableError when too many wait.
        """
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        task = self._running.get(key)
        if task is None:
            if len(self._running) >= self._max_waiting:
                raise UnavailableError(
                    "The preview", "too many are waiting", retry_after_seconds=_RETRY_SECONDS
                )
            task = self._running[key] = asyncio.create_task(self._render(key, render))
            task.add_done_callback(_retrieve)
        # Shielded, because others may wait for the same preview.
        return await asyncio.shield(task)

    async def _render(self, key: str, render: Callable[[], bytes]) -> bytes:
        try:
            content = await to_thread.run_sync(render, limiter=self._threads)
        finally:
            del self._running[key]
        self._kept[key] = content
        self._kept_bytes += len(content)
        while self._kept_bytes > self._max_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= len(dropped)
        return content


@dataclass(frozen=True)
class PreviewAnswers:
    """Find pictures, and respond with their previews."""

    find: Previews
    cache: PreviewCache

    async def answer(self, request: AnyRequest, source: PreviewSource, size: PreviewSize) -> Response[bytes]:
        """A picture's preview; 304 if the client has it.

        The caller has checked access. A browser keeps the preview, and asks again whether it may still show it.
        """
        key = f"{source.content.sha256}-{size}"
        headers = {
            "ETag": f'"{key}"',
            "Cache-Control": "private, no-cache",
            "Referrer-Policy": "no-referrer",
        }
        if is_known_to_client(request.headers, headers["ETag"]):
            return Response(b"", status_code=304, headers=headers)
        content = await self.cache.get(key, partial(self.find.render, source, size))
        headers["Content-Length"] = str(len(content))
        is_looking = request.method == HttpMethod.HEAD
        return Response(b"" if is_looking else content, media_type="image/jpeg", headers=headers)


def _retrieve(task: asyncio.Task[bytes]) -> None:
    """Retrieve an error that no client waits for any more."""
    if not task.cancelled():
        task.exception()
