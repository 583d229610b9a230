"""Operations divided among threads."""

import threading
from collections.abc import Callable


def in_threads(
    threads: int, operations: int, worker_of: Callable[[int], Callable[[], object]]
) -> Callable[[], None]:
    """Return a function that divides the operations among threads.

    ``worker_of`` makes each thread's operation before the clock starts.
    """
    workers = [worker_of(number) for number in range(threads)]
    share, rest = divmod(operations, threads)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(share + (number < rest)):
                workers[number]()
        except BaseException as error:  # noqa: BLE001 -- raised again by the thread that waits
            failures.append(error)

    def run() -> None:
        if threads == 1:
            for _ in range(operations):
                workers[0]()
            return
        started = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
        if failures:
            raise failures[0]

    return run
