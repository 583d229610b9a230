"""Reconciliation of a shop of doubles, and its findings by name."""

import re
import tomllib
from datetime import timedelta
from pathlib import Path

from adapters.localization.finding_text import finding_text_of
from domain.use_cases.reconciliation.findings import Finding, Report
from tests.doubles.container import InMemoryShop


def compare(shop: InMemoryShop, *, repairs: bool = False, reads_bytes: bool = True) -> Report:
    """Reconcile everything since the clock began, and check each finding's wording."""
    report = shop.reconciliation.compare(
        shop.clock.now() - timedelta(days=30), repairs=repairs, reads_bytes=reads_bytes
    )
    for finding in report.findings:
        assert any(_says(finding, known) for known in _SENTENCES[finding.what]), finding
        assert finding.subject, finding
    return report


_SENTENCES = tomllib.loads(Path(__file__).with_name("finding_sentences.toml").read_text("utf-8"))
#: Precedes the advice where a repair failed.
_NOT_REPAIRED = r"(It could not be repaired( because of a defect of the program \(\w+\)\.| \(.+\)) )?"


def _says(finding: Finding, known: dict[str, str | bool]) -> bool:
    wrong, text = re.escape(str(known["wrong"])).replace("…", ".+"), finding_text_of(finding)
    return (
        finding.side == known["side"]
        and re.fullmatch(wrong, text.wrong) is not None
        and re.fullmatch(_NOT_REPAIRED + re.escape(str(known["advice"])), text.advice) is not None
        and known.get("is_of_an_order") in (None, finding.order_id is not None)
        and known.get("has_a_moment") in (None, finding.since is not None)
    )


def found(report: Report) -> list[str]:
    """The names of the findings."""
    return [finding.what for finding in report.findings]


def only(report: Report) -> Finding:
    """The only finding."""
    (finding,) = report.findings
    return finding
