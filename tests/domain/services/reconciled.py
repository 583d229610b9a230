"""A comparison of a shop of doubles, and what it found, by side and name."""

from datetime import timedelta

from domain.services.reconciling.findings import Finding, Report
from tests.doubles.shop import MemoryShop


def compare(shop: MemoryShop, *, heals: bool = False, reads_bytes: bool = True) -> Report:
    """Compare all that a test did since the shop's clock began."""
    return shop.reconciling.compare(
        shop.clock.now() - timedelta(days=30), heals=heals, reads_bytes=reads_bytes
    )


def found(report: Report) -> list[str]:
    """The names of the findings."""
    return [finding.what for finding in report.findings]


def only(report: Report) -> Finding:
    """The one finding there is."""
    (finding,) = report.findings
    return finding
