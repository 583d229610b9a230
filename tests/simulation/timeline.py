"""The trace lines that concern a broken law, few enough to read."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

from domain.order.values import OrderId
from tests.simulation.laws.errors import LawBrokenError
from tests.simulation.trace import Line

if TYPE_CHECKING:
    from tests.simulation.world import World

#: About as many lines as a reader follows.
LINES = 30


def timeline(world: "World", broken: LawBrokenError, *, lines: int = LINES) -> list[str]:
    """The last lines about the broken law, including its faults."""
    names = names_of(world, broken)
    about = [line for line in world.trace.lines if _is_about(line, names)] if names else world.trace.lines
    shown = about[-lines:]
    left_out = len(about) - len(shown)
    head = [f"({left_out} earlier lines about the same are left out)"] if left_out else []
    return [*head, *(_readable(world, line) for line in shown)]


def names_of(world: "World", broken: LawBrokenError) -> set[str]:
    """The ids of all that the broken law is about."""
    return set(_names(world, broken.about))


def _names(world: "World", about: Iterable[str]) -> Iterator[str]:
    """The given ids, and all ids that belong to orders among them."""
    orders = world.own_unit_of_work.pages.orders
    for name in about:
        yield name
        try:
            order = orders.get(OrderId(UUID(name)))
        except ValueError:
            order = None
        if order is None:
            continue
        yield from map(str, order.images)
        yield from map(str, order.emails)
        yield from map(str, order.refunds)
        for work in world.own_unit_of_work.pages.work.values():
            if work.order_id == order.order_id:
                yield str(work.reaction_id)
        if order.payment is not None:
            yield str(order.payment.upload_session_id)


def _is_about(line: Line, names: set[str]) -> bool:
    return any(name in line.about or name in line.who for name in names) or line.who == "world"


def _readable(world: "World", line: Line) -> str:
    """Follow each reaction id in a line by the reaction's type."""
    text = str(line)
    for work in world.own_unit_of_work.pages.work.values():
        if str(work.reaction_id) in text:
            text = text.replace(
                str(work.reaction_id), f"{type(work.reaction).__name__} {str(work.reaction_id)[:8]}"
            )
    return text
