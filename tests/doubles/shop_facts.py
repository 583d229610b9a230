"""Figures about the whole shop, as a test states them."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.ports.shop_facts import CurrentFacts, PeriodFacts, ShopFacts, TotalFacts


@dataclass
class GivenShopFacts(ShopFacts):
    """Returns what a test has set; ``reads`` counts the calls."""

    given_current: CurrentFacts = field(default_factory=CurrentFacts)
    given_totals: TotalFacts = field(default_factory=TotalFacts)
    given_period: PeriodFacts = field(default_factory=PeriodFacts)
    after_head: datetime | None = None
    given_free_space: bool = True
    reads: int = 0

    def current(self, now: datetime) -> CurrentFacts:  # noqa: ARG002 -- what is given holds at any time
        self.reads += 1
        return self.given_current

    def totals(self) -> TotalFacts:
        self.reads += 1
        return self.given_totals

    def period(self, since: datetime, until: datetime) -> PeriodFacts:  # noqa: ARG002 -- as above
        return self.given_period

    def first_event_after(self, position: int) -> datetime | None:  # noqa: ARG002 -- as above
        return self.after_head

    def has_free_space(self) -> bool:
        return self.given_free_space
