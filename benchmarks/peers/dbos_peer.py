"""DBOS on PostgreSQL: no-op workflows of four steps, on eight threads.

The workflows are called directly.
That is its fastest way; through one of its queues a workflow also waits for the next poll.
"""

from uuid import uuid4

from dbos import DBOS

from benchmarks.peers.answering import answer, requests
from benchmarks.threads import in_threads

THREADS = 8
STEPS = 4


@DBOS.step()
def step(number: int) -> int:
    """Do nothing; the result is stored."""
    return number


@DBOS.workflow()
def order(number: int) -> int:
    """Do four durable steps, as a minimal order would."""
    return sum(step(number) for number in range(number))


def main() -> None:
    """Answer requests."""
    coming = requests()
    url = next(coming)["database_url"].replace("postgresql://", "postgresql+psycopg://")
    DBOS(
        config={
            "name": "benchmark",
            "system_database_url": url,
            "application_version": "1",
            "executor_id": uuid4().hex,
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    answer(ready=True)
    for request in coming:
        in_threads(THREADS, request["operations"], lambda _: lambda: order(STEPS))()
        answer(done=request["operations"])


if __name__ == "__main__":
    main()
