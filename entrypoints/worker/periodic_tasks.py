"""Periodic tasks, each in its own thread, which survive outages."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread

import structlog

from domain.ports.errors import UnavailableError
from entrypoints.bootstrap.wording import error_text

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class PeriodicTask:
    """A task that is repeated, with a pause in between."""

    name: str
    every_seconds: float
    do: Callable[[], object]


class PeriodicTasks:
    """Runs periodic tasks until it is stopped."""

    def __init__(self, *tasks: PeriodicTask) -> None:
        self._stopping = Event()
        self._threads = [
            Thread(target=self._repeat, args=(task,), name=task.name, daemon=True) for task in tasks
        ]

    def start(self) -> None:
        """Start the threads; each task runs at once for the first time."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Stop after the current runs; wait ``timeout_seconds`` for each thread."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout_seconds)

    def _repeat(self, task: PeriodicTask) -> None:
        while not self._stopping.is_set():
            run_once(task.name, task.do)
            self._stopping.wait(task.every_seconds)


def run_once(name: str, do: Callable[[], object]) -> None:
    """Run a task; log what it raises.

    The next run is the retry. An outage is expected, and is one line; a defect has its traceback.
    """
    try:
        do()
    except UnavailableError as error:
        _log.warning("periodic_task_postponed", task=name, problem=error_text(error))
    except Exception:  # noqa: BLE001 -- a task survives everything
        _log.exception("periodic_task_failed", task=name)
