"""Snapshots of a simulated world, on which tests/laws is checked: at every commit, call and answer, and at rest."""

from tests.simulation.laws.checker import LawChecker
from tests.simulation.laws.errors import LawBrokenError
from tests.simulation.laws.link_requests import LinkRequests
from tests.simulation.laws.world_snapshot import unsettled_checkouts

__all__ = ["LawBrokenError", "LawChecker", "LinkRequests", "unsettled_checkouts"]
