"""How many connections to PostgreSQL a process may keep."""

#: Beside its pool: the clock's, and two for the figures of metrics and letters to the owner.
_OTHERS = 3


def pool_connections(worker_threads: int) -> int:
    """Return the size of a process's pool.

    It is enough for each thread of a worker and for its periodic tasks; the API opens as many as it needs.
    """
    return 4 * worker_threads + 8


def process_connections(worker_threads: int) -> int:
    """Return how many connections an API or worker process may keep."""
    return pool_connections(worker_threads) + _OTHERS
