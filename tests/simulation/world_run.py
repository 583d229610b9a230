"""Run one world from beginning to end, and collect its outcome."""

import time
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from tests.simulation.faults import Fault, Plan
from tests.simulation.laws import LawBrokenError
from tests.simulation.participants import Participant
from tests.simulation.planted import planted
from tests.simulation.service_calls import ServiceCalls
from tests.simulation.timeline import names_of, timeline
from tests.simulation.world import World

#: The default number of visitors: enough for them to interact.
VISITORS = 5


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a world; ``law``, ``sentence`` and ``timeline`` describe a violation."""

    seed: int
    orders: int
    ended: Counter[str]
    events: int
    seconds: float  # of this process's time
    digest: str
    struck: tuple[str, ...]
    tally: Counter[tuple[str, Fault]]
    on_scheduled: int  # of the faults that struck
    recoveries: Counter[str]
    places: tuple[str, ...] = ()
    law: int | None = None
    sentence: str = ""
    timeline: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()  # the faults about the subject of the violation
    kinds: frozenset[str] = frozenset()  # of the events
    trace: tuple[str, ...] = ()  # every line, if the trace was kept
    without_http: bool = False

    @property
    def holds(self) -> bool:
        """Whether every law held."""
        return self.law is None


def run(
    seed: int,
    participants: Sequence[Participant] | int = VISITORS,
    *,
    plan: Plan | None = None,
    plant: str | None = None,
    keeps_trace: bool = False,
    without_http: bool = False,
) -> Outcome:
    """Run a world, with a planted bug if one is named."""
    began = time.process_time()
    with ExitStack() as stack:
        if plant is not None:
            stack.enter_context(planted(plant))
        world = World(seed, participants, plan=plan, server=ServiceCalls() if without_http else None)
        stack.callback(world.close)
        broken = _live(world)
        orders = world.own_unit_of_work.pages.orders.values()
        return Outcome(
            seed=seed,
            orders=len(orders),
            ended=Counter(order.state.value for order in orders),
            events=len(world.own_unit_of_work.pages.log),
            seconds=time.process_time() - began,
            digest=world.trace.digest(),
            struck=tuple(world.faults.struck),
            tally=world.faults.tally,
            on_scheduled=world.faults.on_scheduled,
            recoveries=world.trace.recoveries,
            places=tuple(world.faults.places),
            law=broken.law if broken else None,
            sentence=str(broken) if broken else "",
            timeline=tuple(timeline(world, broken)) if broken else (),
            suspects=_suspects(world, broken) if broken else (),
            kinds=frozenset(
                type(recorded.event).__name__ for recorded in world.own_unit_of_work.pages.log.values()
            ),
            trace=tuple(map(str, world.trace.lines)) if keeps_trace else (),
            without_http=without_http,
        )


def _suspects(world: World, broken: LawBrokenError) -> tuple[str, ...]:
    names = names_of(world, broken)
    return tuple(fault for fault in world.faults.struck if any(name in fault for name in names))


def _live(world: World) -> LawBrokenError | None:
    """Run a world; return the law it broke, if any.

    An unexpected error breaks law 0.
    """
    try:
        world.live()
    except LawBrokenError as broken:
        return broken
    except Exception as error:  # noqa: BLE001 -- any error is reported with its seed
        frames = "".join(traceback.format_exception(error)[-4:])
        return LawBrokenError(0, frames, world.scheduler.current.facts.get("about", ""))
    return None
