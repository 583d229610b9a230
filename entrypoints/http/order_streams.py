"""Open streams of orders' events: one poll for all of a process.

A stream occupies no thread: a task asks the database once a second for the versions of all watched orders, and wakes
the streams of those that changed. Everything but the queries runs on the event loop.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from anyio import CapacityLimiter, to_thread

from domain.order.values import OrderId
from domain.ports.errors import UnavailableError
from domain.ports.order_queries import OrderVersion
from domain.use_cases.queries import Queries
from entrypoints.http.errors import TooManyStreamsError

#: Streams of one client and of a process. A browser opens one a page; a family or an office may share an address.
MAX_BY_CLIENT = 20
MAX_IN_TOTAL = 1000

#: How often the database is asked.
POLL_SECONDS = 1.0

#: How many documents are read at a time when many orders change at once.
DOCUMENT_THREADS = 2

_log = structlog.get_logger(__name__)


@dataclass(eq=False)
class Watch:
    """One stream's view of its order; ``woken`` is set at news."""

    order_id: OrderId
    client: str
    latest: OrderVersion
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class OrderStreams:
    """The open streams of this process."""

    def __init__(
        self,
        queries: Callable[[], Queries],
        *,
        max_by_client: int = MAX_BY_CLIENT,
        max_in_total: int = MAX_IN_TOTAL,
    ) -> None:
        self._queries = queries
        self._max_by_client = max_by_client
        self._max_in_total = max_in_total
        self._watches: set[Watch] = set()
        self._by_client: Counter[str] = Counter()
        self._documents: dict[OrderId, tuple[int, bytes]] = {}
        self._reading: dict[OrderId, asyncio.Lock] = {}
        self._poll_threads = CapacityLimiter(1)
        self._document_threads = CapacityLimiter(DOCUMENT_THREADS)
        self._polling: asyncio.Task[None] | None = None
        self.is_closing = False

    async def version(self, order_id: OrderId) -> OrderVersion | None:
        """The current version of an order, if there is one."""
        return (await self._ask({order_id})).get(order_id)

    def open(self, order_id: OrderId, client: str, latest: OrderVersion) -> Watch:
        """Begin to watch an order; raises TooManyStreamsError."""
        if self._by_client[client] >= self._max_by_client or len(self._watches) >= self._max_in_total:
            raise TooManyStreamsError
        watch = Watch(order_id, client, latest)
        self._watches.add(watch)
        self._by_client[client] += 1
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        return watch

    def close(self, watch: Watch) -> None:
        """End a watch."""
        self._watches.discard(watch)
        self._by_client[watch.client] -= 1
        if not self._by_client[watch.client]:
            del self._by_client[watch.client]
        if all(other.order_id != watch.order_id for other in self._watches):
            self._documents.pop(watch.order_id, None)
            self._reading.pop(watch.order_id, None)

    def close_all(self) -> None:
        """Let every stream end soon, because the process stops."""
        self.is_closing = True
        for watch in self._watches:
            watch.woken.set()

    async def document(self, watch: Watch, read: Callable[[OrderId], tuple[int, bytes]]) -> tuple[int, bytes]:
        """An order's version and document, read once for all streams."""
        async with self._reading.setdefault(watch.order_id, asyncio.Lock()):
            known = self._documents.get(watch.order_id)
            if known is None or known[0] < watch.latest.version:
                known = await to_thread.run_sync(read, watch.order_id, limiter=self._document_threads)
                self._documents[watch.order_id] = known
        return known

    async def _poll(self) -> None:
        """Wake the streams of changed orders, while there are streams."""
        while self._watches and not self.is_closing:
            await asyncio.sleep(POLL_SECONDS)
            try:
                found = await self._ask({watch.order_id for watch in self._watches})
            except UnavailableError:
                _log.warning("order_streams_not_updated", streams=len(self._watches))
                continue
            for watch in self._watches:
                latest = found.get(watch.order_id, watch.latest)
                if latest != watch.latest:
                    watch.latest = latest
                    watch.woken.set()

    async def _ask(self, order_ids: set[OrderId]) -> Mapping[OrderId, OrderVersion]:
        return await to_thread.run_sync(self._queries().versions, order_ids, limiter=self._poll_threads)
