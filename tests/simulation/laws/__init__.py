"""Snapshots of a simulated world, for the laws in tests/laws."""

from tests.simulation.laws.checker import LawChecker
from tests.simulation.laws.errors import LawBrokenError
from tests.simulation.laws.link_requests import LinkRequests
from tests.simulation.laws.world_snapshot import unsettled_checkouts

__all__ = ["LawBrokenError", "LawChecker", "LinkRequests", "unsettled_checkouts"]
