"""Steps of rising rates, and where they end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

#: How the rate rises from one step to the next.
FACTOR = 1.5
#: A backlog grows if, of the orders of a step, more than this share is added to those not finished.
GROWTH_SHARE = 0.25
#: So few orders are no growth: they were paid in the last moment.
FEW_ORDERS = 8


@dataclass(frozen=True, kw_only=True)
class Step:
    """One rate, held for a while.

    Attributes:
        rate: arrivals a second.
        arrived: customers who came.
        paid: orders that were placed.
        completed: orders that were completed in the step.
        open_before: orders that were paid and not finished when it began.
        open_after: the same when it ended.
        visit_p95_seconds: from the planned arrival to the payment.
        order_p95_seconds: from the payment to the result e-mail, of the completed ones.
        cpu_ms: of an order by part; empty for a step with kills.
        killed: the processes that were killed.
        repeated: requests that customers repeated.
        failures: why customers left without an order.
    """

    rate: float
    arrived: int
    paid: int
    completed: int
    open_before: int
    open_after: int
    visit_p50_seconds: float
    visit_p95_seconds: float
    order_p50_seconds: float
    order_p95_seconds: float
    cpu_ms: Mapping[str, float] = field(default_factory=dict)
    killed: Sequence[str] = ()
    repeated: int = 0
    failures: Sequence[str] = ()

    def exceeds(self, slow_seconds: float) -> str:
        """Return why the shop does not keep up, or nothing.

        A step with kills is not judged: it shows that nothing is lost.
        """
        if self.killed:
            return ""
        if self.open_after - self.open_before > max(FEW_ORDERS, GROWTH_SHARE * self.arrived):
            return f"{self.open_after - self.open_before} orders more were open at its end"
        if self.visit_p95_seconds > slow_seconds:
            return f"customers waited {self.visit_p95_seconds:.1f} s (95 %)"
        return ""


def rates(first: float, number: int) -> list[float]:
    """Return the rates of the steps."""
    return [round(first * FACTOR**step, 2) for step in range(number)]
