"""Alerts for Prometheus: the shop's conditions, and what only Prometheus can see.

``deploy/prometheus/rules/restoreclick.yaml`` is generated from this module.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from adapters.localization.condition_text import advice_on, fact_of
from adapters.metrics_prometheus import definitions as d
from domain.use_cases.monitoring.conditions import CONDITIONS, Condition, ConditionCode, Severity, Unit

#: Where an alert leads: the section of the same name.
RUNBOOK = "docs/monitoring.md#"

#: Of an availability of 99.9 % over 30 days: the share of requests that may fail.
ERROR_BUDGET = 0.001

#: A burn of 14.4 uses up 2 % of the month's budget in an hour, one of 6 uses up 5 % in six hours. The short window ends
#: the alert soon after the cause (https://sre.google/workbook/alerting-on-slos/).
BURNS = (
    ("fast", Severity.URGENT, "1h", "5m", 14.4, timedelta(minutes=2)),
    ("slow", Severity.ATTENTION, "6h", "30m", 6.0, timedelta(minutes=15)),
)


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """One alert; ``code`` names it in labels and documents."""

    code: str
    severity: Severity
    expression: str
    lasts: timedelta
    summary: str
    advice: str

    @property
    def name(self) -> str:
        """``ShopQueueLong`` of queue_long."""
        return "Shop" + "".join(word.capitalize() for word in self.code.split("_"))

    def document(self) -> dict[str, object]:
        """The rule as Prometheus reads it."""
        waits = {"for": f"{self.lasts.total_seconds():.0f}s"} if self.lasts else {}
        return {
            "alert": self.name,
            "expr": self.expression,
            **waits,
            "labels": {"severity": self.severity.value, "condition": self.code},
            "annotations": {
                "summary": self.summary,
                "description": self.advice,
                "runbook": RUNBOOK + self.code,
            },
        }


#: The value of each condition from the metrics; every process has the same figures of the database.
_VALUES: Mapping[ConditionCode, str] = {
    ConditionCode.WORK_STALLED: f"max({d.QUEUE_OLDEST.name})",
    ConditionCode.QUEUE_LONG: f"sum(max by (queue) ({d.QUEUE_DEPTH.name}))",
    ConditionCode.PROCESSING_SLOW: f'max({{__name__=~"{d.QUEUE_OLDEST.name}|{d.WORK_OLDEST.name}"}})',
    ConditionCode.ERRORS_FREQUENT: f"max({d.ERROR_RATIO.name})",
    ConditionCode.STORAGE_FULL: f"max({d.STORAGE_RATIO.name})",
    ConditionCode.STORAGE_FILLING: f"max({d.STORAGE_RATIO.name})",
    ConditionCode.STORAGE_UNAVAILABLE: f"max({d.STORAGE_DOWN.name})",
    ConditionCode.QUEUE_UNAVAILABLE: f"max({d.QUEUE_DOWN.name})",
    ConditionCode.MONEY_OWED: f"max({d.OWED_OLDEST.name})",
    ConditionCode.DISPUTE_DUE_NOW: f"min({d.DISPUTE_DUE.name})",
    ConditionCode.DISPUTE_DUE_SOON: f"min({d.DISPUTE_DUE.name})",
    ConditionCode.DATABASE_FULL: f"max({d.DATABASE_FULL.name})",
    ConditionCode.DATABASE_BEHIND_LOG: f"max({d.BEHIND_LOG.name})",
    ConditionCode.LOG_HEAD_MISSING: f"max({d.HEAD_LAG.name})",
    ConditionCode.BACKUP_OVERDUE: f"max({d.BACKUP_OVERDUE.name})",
    ConditionCode.DRILL_FAILED: f"max({d.DRILL_FAILED.name})",
    ConditionCode.DRILL_NOT_TRIED: f"max({d.DRILL_NOT_TRIED.name})",
    ConditionCode.DRILL_OVERDUE: f"max({d.DRILL_OVERDUE.name})",
    ConditionCode.LOG_UNARCHIVED: f"max({d.UNARCHIVED.name})",
    ConditionCode.LOG_NOT_ARCHIVED: f"max({d.LOG_NOT_ARCHIVED.name})",
    ConditionCode.LOG_READERS_LATE: f"max({d.LOG_UNREAD_AGE.name})",
    ConditionCode.WAITS_FOR_STAFF: f"sum(max by (kind) ({d.ATTENTION.name}))",
}

_SHOWN: Mapping[Unit, str] = {
    Unit.NUMBER: "{{ $value }}",
    Unit.RATIO: "{{ $value | humanizePercentage }}",
    Unit.SECONDS: "{{ $value | humanizeDuration }}",
}


def alert_rules() -> Sequence[AlertRule]:
    """Every alert, the shop's own conditions first."""
    return [*map(_of_condition, CONDITIONS), *_process_rules(), *_objectives()]


def document() -> dict[str, object]:
    """The rule file as a document."""
    return {"groups": [{"name": "restoreclick", "rules": [each.document() for each in alert_rules()]}]}


def _of_condition(condition: Condition) -> AlertRule:
    sign = "<" if condition.is_below else ">"
    return AlertRule(
        code=condition.code.value,
        severity=condition.severity,
        expression=f"{_VALUES[condition.code]} {sign} {condition.threshold:g}",
        lasts=condition.lasts,
        summary=fact_of(condition.code, _SHOWN[condition.unit]),
        advice=advice_on(condition.code),
    )


def _process_rules() -> Sequence[AlertRule]:
    return [
        AlertRule(
            code="process_down",
            severity=Severity.URGENT,
            expression='up{job="restoreclick"} == 0',
            lasts=timedelta(minutes=2),
            summary="Process {{ $labels.instance }} of the shop does not answer.",
            advice="Look at its log and start it again.",
        ),
        AlertRule(
            code="figures_missing",
            severity=Severity.URGENT,
            expression=f"max({d.FACTS_UP.name}) == 0",
            lasts=timedelta(minutes=2),
            summary="No process can read the shop's figures.",
            advice="Check PostgreSQL: it is off, hangs, or takes longer than three seconds.",
        ),
    ]


def _objectives() -> Sequence[AlertRule]:
    failed_webhooks = _ratio(d.WEBHOOKS.name, 'verdict="failed"')
    failed_requests = _ratio(f"{d.HTTP_SECONDS.name}_count", 'status=~"5.."')
    objectives = (
        ("webhooks", failed_webhooks, "webhooks", "Stripe, Replicate and SendGrid send them again for days."),
        ("requests", failed_requests, "requests", "Customers see errors."),
    )
    return [
        AlertRule(
            code=f"{code}_failing_{speed}",
            severity=severity,
            expression=f"{failed(long)} > {burn * ERROR_BUDGET:g} and {failed(short)} > {burn * ERROR_BUDGET:g}",
            lasts=lasts,
            summary="{{ $value | humanizePercentage }} of the " + what + " failed; the objective is 0.1 %.",
            advice=f"{consequence} Look for the path and the problem in the API's log.",
        )
        for code, failed, what, consequence in objectives
        for speed, severity, long, short, burn, lasts in BURNS
    ]


def _ratio(metric: str, failures: str) -> Callable[[str], str]:
    """The share of failures within a window."""
    return lambda window: f"sum(rate({metric}{{{failures}}}[{window}])) / sum(rate({metric}[{window}]))"
