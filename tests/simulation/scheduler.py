"""Who runs next, and what time it is: greenlets under a virtual clock, one step at a time."""

import asyncio
import heapq
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from greenlet import getcurrent, greenlet

#: When every simulated world begins.
EPOCH = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

#: Far more switches than any world needs between two looks at it: beyond them something goes in circles.
MOST_STEPS = 5_000_000


class Crashed(BaseException):
    """The process that ran this is dead: nothing it still does reaches the world."""


class DeadlockError(Exception):
    """Tasks wait for one another in a circle."""


@dataclass
class Process:
    """A process of the shop: it may die, and be started anew; it may be stopped for a while; its clock may be wrong."""

    name: str
    life: int = 1
    stopped_until: int = 0
    up_at: int = 0  # when it is there again after it died
    skew: timedelta = timedelta(0)
    knows_new_events: bool = True


@dataclass(eq=False)
class Task:
    """Something that goes on in a process; ``hosts`` are the processes it runs in at this moment, and their lives."""

    name: str
    greenlet: greenlet
    hosts: list[tuple[Process, int]]
    wake_at: int = 0
    turn: int = 0
    waits_for: Hashable | None = None
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def process(self) -> Process:
        """Where it runs now."""
        return self.hosts[-1][0]

    @property
    def is_dead(self) -> bool:
        """Whether a process that it runs in died since."""
        for process, life in self.hosts:  # noqa: SIM110 -- asked so often that a generator shows
            if process.life != life:
                return True
        return False


class Scheduler:
    """Runs tasks in the order in which they wake up. A task gives way only where it sleeps or waits."""

    def __init__(self) -> None:
        self.now = 0  # microseconds since the epoch
        self._hub = getcurrent()
        # By time, then by name: who is added or taken out elsewhere changes nothing; the number is for namesakes.
        self._heap: list[tuple[int, str, int, int, Task]] = []
        self._numbers = count()
        self._tasks: dict[greenlet, Task] = {}
        self._waiting: dict[Hashable, list[Task]] = {}
        self._until = 0
        self.current: Task  # the task that runs now

    def moment(self, process: Process | None = None) -> datetime:
        """The time as a process reads it off its clock, or as it is."""
        return EPOCH + timedelta(microseconds=self.now) + (process.skew if process else timedelta(0))

    def spawn(self, name: str, body: Callable[[], None], process: Process, *, after: int = 0) -> Task:
        """Have something begin in a process."""

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
        """Let time pass up to a moment; what a task raises is raised here."""
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
        """Let others run for so many microseconds; raises Crashed when the process dies meanwhile."""
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
        """Let others run until somebody tells of the thing, or so many microseconds have passed."""
        task = self.current
        self._require_alive()
        task.waits_for = thing
        self._waiting.setdefault(thing, []).append(task)
        task.turn += 1
        if at_most is not None:
            self._wake(task, self.now + at_most)
        self._give_way()

    def tell(self, thing: Hashable, *, after: int = 0) -> bool:
        """Wake all that wait for a thing, and say whether anybody did."""
        woken = [task for task in self._waiting.pop(thing, ()) if task.waits_for == thing]
        for task in woken:
            self._wake(task, self.now + after)
        return bool(woken)

    def kill(self, process: Process) -> None:
        """Let a process die: all that goes on in it ends where it stands."""
        process.life += 1
        process.stopped_until = 0
        for task in list(self._tasks.values()):
            if task.is_dead and task.greenlet is not getcurrent():
                self._wake(task, self.now)

    def close(self) -> None:
        """End every task where it stands."""
        for task in list(self._tasks.values()):
            task.hosts = [(process, -1) for process, _ in task.hosts]
            if task.greenlet:
                self.current = task
                task.greenlet.throw(Crashed())
        self._tasks.clear()

    @contextmanager
    def inside(self, process: Process) -> Iterator[None]:
        """Have the current task go on in another process, as a request does."""
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
        """Switch to the hub; an event loop that runs here is not seen to run elsewhere meanwhile."""
        loop = asyncio._get_running_loop()  # noqa: SLF001 -- documented for whoever implements an event loop
        asyncio._set_running_loop(None)  # noqa: SLF001 -- likewise
        try:
            self._hub.switch()
        finally:
            asyncio._set_running_loop(loop)  # noqa: SLF001 -- likewise
        self._require_alive()
