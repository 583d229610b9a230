"""procrastinate on PostgreSQL: jobs that do nothing, eight at a time."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

from procrastinate import App, PsycopgConnector

from benchmarks.peers.answering import answer, requests

CONCURRENCY = 8


class Peer:
    """An application with one task."""

    def __init__(self, database_url: str) -> None:
        self.app = App(connector=PsycopgConnector(conninfo=database_url, max_size=CONCURRENCY + 2))

        @self.app.task(name="nothing")
        async def nothing(number: int) -> int:
            return number

        self.task = nothing

    async def answer_all(self, coming: Iterator[Any]) -> None:
        """Answer requests; `work` ends when no job is left."""
        async with self.app.open_async():
            if not await self.app.check_connection_async():
                await self.app.schema_manager.apply_schema_async()
            answer(ready=True)
            for request in coming:
                if request["do"] == "defer":
                    await self.defer(request["operations"])
                else:
                    await self.work()
                answer(done=request["operations"])

    async def defer(self, operations: int) -> None:
        """Store jobs."""
        jobs: list[dict[str, Any]] = [{"number": number} for number in range(operations)]
        await self.task.batch_defer_async(*jobs)

    async def work(self) -> None:
        """Perform every stored job."""
        await self.app.run_worker_async(
            concurrency=CONCURRENCY, wait=False, install_signal_handlers=False, delete_jobs="never"
        )


def main() -> None:
    """Answer requests."""
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    coming = requests()
    peer = Peer(next(coming)["database_url"])
    asyncio.run(peer.answer_all(coming))


if __name__ == "__main__":
    main()
