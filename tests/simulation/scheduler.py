"""Schedule greenlets under a virtual clock, one at a time."""

import heapq
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from greenlet import getcurrent, greenlet

#: The start time of every world.
EPOCH = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

#: Far more switches than a world needs in one run of the scheduler: more of them mean an endless loop.
MOST_STEPS = 5_000_000


class Crashed(BaseException):
    """The process that ran this is dead: nothing may take effect."""


class DeadlockError(Exception):
    """Tasks wait for one another in a circle."""


@dataclass
class Process:
    """A process of the shop.

    It may die and restart, be stopped for a while, and have a wrong clock.
    """

    name: str
    life: int = 1
    stopped_until: int = 0
    up_at: int = 0  # when it is up again after it died
    skew: timedelta = timedelta(0)
    knows_new_events: bool = True


@dataclass(eq=False)
class Task:
    """A running task.

    ``hosts`` are the processes it runs in at this moment, each with its number of lives.
    """

    name: str
    greenlet: greenlet
    hosts: list[tuple[Process, int]]
    wake_at: int = 0
    turn: int = 0
    waits_for: Hashable | None = None
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def process(self) -> Process:
        """The process it runs in now."""
        return self.hosts[-1][0]

    @property
    def is_dead(self) -> bool:
        """Whether a process that it runs in has died since."""
        for process, life in self.hosts:  # noqa: SIM110 -- called so often that a generator is measurably slower
            if process.life != life:
                return True
        return False


class Scheduler:
    """Runs tasks in the order of their wake-up times.

    A task yields only where it sleeps or waits.
    """

    def __init__(self) -> None:
        self.now = 0  # microseconds since the epoch
        self._hub = getcurrent()
        # By time, then by name, so that tasks added or removed elsewhere do not change the order; the number
        # parts equal names.
        self._heap: list[tuple[int, str, int, int, Task]] = []
        self._numbers = count()
        self._tasks: dict[greenlet, Task] = {}
        self._waiting: dict[Hashable, list[Task]] = {}
        self._until = 0
        self.current: Task  # the task that runs now

    def moment(self, process: Process | None = None) -> datetime:
        """The time on a process's clock, or the true time."""
        return EPOCH + timedelta(microseconds=self.now) + (process.skew if process else timedelta(0))

    def spawn(self, name: str, body: Callable[[], None], process: Process, *, after: int = 0) -> Task:
        """Start a task in a process."""

        def run() -> None:
            try:
                self._require_alive()
                body()
            except Crashed:
                pass
            finally:
                self._tasks.pop(getcurrent(), None)

        task = Task(name, greenlet(run, parent=self._hub), [(process, process.life)])
        self._tasks[task.greenlet] = task
        self._wake(task, self.now + after)
        return task

    def run(self, until: int) -> None:
        """Advance the clock to a moment; raise what a task raises."""
        self._until = until
        steps = 0
        while self._heap and self._heap[0][0] <= until:
            wake_at, _, turn, _, task = heapq.heappop(self._heap)
            if turn != task.turn or task.greenlet.dead:
                continue
            if task.process.stopped_until > wake_at and not task.is_dead:
                self._wake(task, task.process.stopped_until)
                continue
            steps += 1
            if steps > MOST_STEPS:
                raise AssertionError(f"{task.name} and others go in circles.")
            self.now = max(self.now, wake_at)
            task.waits_for = None
            self.current = task
            task.greenlet.switch()
        self.now = max(self.now, until)

    def sleep(self, duration: int) -> None:
        """Let others run for so many microseconds; raises Crashed on process death."""
        task = self.current
        if task.is_dead:
            raise Crashed
        wake_at = self.now + duration
        is_next = wake_at <= self._until and (not self._heap or self._heap[0][0] > wake_at)
        if is_next and task.process.stopped_until <= wake_at:
            self.now = wake_at
            return
        self._wake(task, wake_at)
        self._give_way()

    def wait(self, thing: Hashable, *, at_most: int | None = None) -> None:
        """Let others run until ``notify`` names the thing, or a time-out passes.

        ``at_most`` is in microseconds.
        """
        task = self.current
        self._require_alive()
        task.waits_for = thing
        self._waiting.setdefault(thing, []).append(task)
        task.turn += 1
        if at_most is not None:
            self._wake(task, self.now + at_most)
        self._give_way()

    def notify(self, thing: Hashable, *, after: int = 0) -> bool:
        """Wake all tasks that wait for a thing; whether there were any."""
        woken = [task for task in self._waiting.pop(thing, ()) if task.waits_for == thing]
        for task in woken:
            self._wake(task, self.now + after)
        return bool(woken)

    def kill(self, process: Process) -> None:
        """Kill a process: all its tasks end where they are."""
        process.life += 1
        process.stopped_until = 0
        for task in list(self._tasks.values()):
            if task.is_dead and task.greenlet is not getcurrent():
                self._wake(task, self.now)

    def close(self) -> None:
        """End every task where it is."""
        for task in list(self._tasks.values()):
            task.hosts = [(process, -1) for process, _ in task.hosts]
            if task.greenlet:
                self.current = task
                task.greenlet.throw(Crashed())
        self._tasks.clear()

    @contextmanager
    def inside(self, process: Process) -> Iterator[None]:
        """Run the current task in another process for the block's duration."""
        task = self.current
        task.hosts.append((process, process.life))
        try:
            yield
        finally:
            task.hosts.pop()

    def _require_alive(self) -> None:
        if self.current.is_dead:
            raise Crashed

    def _wake(self, task: Task, at: int) -> None:
        task.turn += 1
        task.wake_at = at
        heapq.heappush(self._heap, (at, task.name, task.turn, next(self._numbers), task))

    def _give_way(self) -> None:
        """Switch to the hub."""
        self._hub.switch()
        self._require_alive()
