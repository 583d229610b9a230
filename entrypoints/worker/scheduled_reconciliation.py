"""The scheduled reconciliation: a log line for each finding, with ids only."""

from collections.abc import Callable
from datetime import timedelta

import structlog

from domain.use_cases.reconciliation.findings import Report, foreign_kinds
from domain.use_cases.reconciliation.run import Reconciliation

#: How many ids of objects that are not this shop's a log line holds.
LOGGED_FOREIGN = 20

_log = structlog.get_logger(__name__)


def compare_if_due(
    reconciliation: Reconciliation, interval: timedelta, is_over: Callable[[], bool] = lambda: False
) -> Report | None:
    """Reconcile and repair if due, and log the findings; return them.

    It is due if no worker did so within the interval; else there is no report. See ``Reconciliation.compare_if_due``.
    """
    report = reconciliation.compare_if_due(interval, is_over)
    if report is not None:
        _log_report(report)
    return report


def _log_report(report: Report) -> None:
    """Log each finding and what was left out."""
    for finding in report.findings:
        log_finding = _log.info if finding.is_repaired else _log.warning
        log_finding(
            "reconcile_finding",
            side=finding.side,
            what=finding.what,
            subject=finding.subject,
            order_id=str(finding.order_id) if finding.order_id else None,
            is_healed=finding.is_repaired,
        )
    for side, reason in report.cut_off.items():
        _log.warning("reconcile_cut_off", side=side, reason=reason)
    for defect in report.defects:
        _log.error("reconcile_defect", exc_info=defect)
    for kind, number in foreign_kinds(report.foreign).items():
        subjects = [each.subject for each in report.foreign if each.kind == kind][:LOGGED_FOREIGN]
        _log.info("reconcile_foreign", kind=kind, number=number, subjects=subjects)
    _log.info(
        "reconcile_done",
        findings=len(report.findings),
        remaining=len(report.remaining),
        closed=list(report.closed),
    )
