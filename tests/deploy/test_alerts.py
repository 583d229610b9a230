"""Every alert fires when it should, and only then, judged by promtool."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from adapters.metrics_prometheus.alert_rules import AlertRule, alert_rules
from adapters.metrics_prometheus.dashboard import document
from adapters.metrics_prometheus.definitions import METRICS, Kind
from adapters.metrics_prometheus.figures_collector import FiguresCollector
from domain.use_cases.monitoring.conditions import CONDITIONS
from tests.adapters.metrics_prometheus.test_metrics import PHOTO, MeteredShop, figures

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/rules/restoreclick.yaml"
PROMTOOL = shutil.which("promtool")

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is missing: apt-get install prometheus, then make test-alerts"
)

DAY = 86_400
Series = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """Series that fire an alert, and series that do not.

    ``shown`` is the value in the alert's summary.
    """

    firing: Series
    calm: Series
    shown: str = ""
    at: str = "10m"
    instance: str = ""


def gauge(name: str, firing: float, calm: float, shown: str, **labels: str) -> Case:
    """A gauge beyond its threshold in two processes, and within."""

    def series(value: float) -> Series:
        text = "".join(f'{key}="{each}",' for key, each in labels.items())
        return {
            f'restoreclick_{name}{{{text}instance="{process}"}}': f"{value}x20"
            for process in ("api", "worker")
        }

    return Case(series(firing), series(calm), shown)


def failing(metric: str, failed: str, good: str, share: float, at: str, shown: str) -> Case:
    """A thousand requests a minute, of which this share fails."""

    def series(failures: float) -> Series:
        return {
            f"restoreclick_{metric}{{{failed}}}": f"0+{failures}x500",
            f"restoreclick_{metric}{{{good}}}": f"0+{1000 - failures}x500",
        }

    return Case(series(1000 * share), series(0.5), shown, at)


WEBHOOKS = ("webhooks_total", 'verdict="failed"', 'verdict="accepted"')
REQUESTS = ("http_request_duration_seconds_count", 'status="503"', 'status="200"')

CASES: Mapping[str, Case] = {
    "work_stalled": gauge("queue_oldest_age_seconds", 1801, 1800, "30m 1s", queue="email"),
    "queue_long": gauge("queue_depth", 101, 100, "101", queue="email"),
    "processing_slow": gauge("work_oldest_age_seconds", 301, 300, "5m 1s", queue="restoration"),
    "errors_frequent": gauge("error_ratio", 0.06, 0.05, "6%"),
    "storage_full": gauge("storage_used_ratio", 0.96, 0.95, "96%"),
    "storage_filling": gauge("storage_used_ratio", 0.81, 0.8, "81%"),
    "money_owed": gauge("refund_oldest_owed_age_seconds", DAY + 60, DAY, "1d 0h 1m 0s"),
    "dispute_due_now": gauge("dispute_due_seconds", 2 * DAY - 60, 2 * DAY, "1d 23h 59m 0s"),
    "dispute_due_soon": gauge("dispute_due_seconds", 7 * DAY - 60, 7 * DAY, "6d 23h 59m 0s"),
    "database_full": gauge("database_full", 1, 0, ""),
    "database_behind_log": gauge("database_behind_log", 1, 0, ""),
    "log_head_missing": gauge("log_head_unprotected_seconds", 3660, 3600, "1h 1m 0s"),
    "backup_overdue": gauge("backup_overdue_seconds", 7260, 7200, "2h 1m 0s"),
    "drill_failed": gauge("backup_drill_failed", 1, 0, ""),
    "drill_not_tried": gauge("backup_drill_not_tried", 1, 0, ""),
    "drill_overdue": gauge("backup_drill_overdue_seconds", 60, 0, "1m 0s"),
    "log_unarchived": gauge("backup_unarchived_seconds", 360, 300, "6m 0s"),
    "log_not_archived": gauge("backup_log_not_archived", 1, 0, ""),
    "log_readers_late": gauge("log_reader_lag_seconds", 360, 300, "6m 0s"),
    "storage_unavailable": Case(
        {'restoreclick_storage_unavailable{instance="worker"}': "0x4 1x20"},
        {'restoreclick_storage_unavailable{instance="worker"}': "0x9 1 0x9"},
    ),
    "queue_unavailable": Case(
        {'restoreclick_queue_unavailable{instance="worker"}': "0x2 1x20"},
        {'restoreclick_queue_unavailable{instance="worker"}': "0x9 1x2"},
    ),
    "waits_for_staff": gauge("attention_items", 3, 0, "3", kind="on_hold"),
    "process_down": Case(
        {'up{job="restoreclick", instance="worker:9000"}': "0x20"},
        {'up{job="restoreclick", instance="worker:9000"}': "1x20"},
        instance="worker:9000",
    ),
    "figures_missing": gauge("facts_up", 0, 1, ""),
    "webhooks_failing_fast": failing(*WEBHOOKS, 0.02, "70m", "2%"),
    "webhooks_failing_slow": failing(*WEBHOOKS, 0.01, "400m", "1%"),
    "requests_failing_fast": failing(*REQUESTS, 0.02, "70m", "2%"),
    "requests_failing_slow": failing(*REQUESTS, 0.01, "400m", "1%"),
}


def test_every_alert_is_tried() -> None:
    assert sorted(CASES) == sorted(rule.code for rule in alert_rules())


def test_every_condition_of_the_shop_has_an_alert_with_its_threshold() -> None:
    rules = {rule.code: rule for rule in alert_rules()}
    for condition in CONDITIONS:
        rule = rules[condition.code]
        assert rule.severity is condition.severity
        assert rule.expression.endswith(f"{'<' if condition.is_below else '>'} {condition.threshold:g}")


def test_every_alert_leads_to_a_section_that_says_what_to_do() -> None:
    page = (ROOT / "docs/monitoring.md").read_text()
    missing = [rule.code for rule in alert_rules() if f"### {rule.code}\n" not in page]
    assert missing == []


@needs_promtool
def test_promtool_accepts_the_rules() -> None:
    promtool("check", "rules", str(RULES))


@needs_promtool
@pytest.mark.parametrize("rule", alert_rules(), ids=lambda rule: rule.code)
def test_an_alert_fires_beyond_its_threshold_and_not_within(rule: AlertRule, tmp_path: Path) -> None:
    case = CASES[rule.code]
    tests = [tried(rule, case, case.firing, fires=True), tried(rule, case, case.calm, fires=False)]
    file = tmp_path / "alerts.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", str(file))


def tried(rule: AlertRule, case: Case, series: Series, *, fires: bool) -> dict[str, Any]:
    """A test in promtool's format."""
    written: Any = rule.document()
    annotations = {name: shown(text, case) for name, text in written["annotations"].items()}
    source = {"instance": case.instance, "job": "restoreclick"} if case.instance else {}
    alert = {"exp_labels": {**written["labels"], **source}, "exp_annotations": annotations}
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": case.at, "alertname": rule.name, "exp_alerts": [alert] if fires else []}
        ],
    }


def shown(text: str, case: Case) -> str:
    """An annotation with its value."""
    for template in ("{{ $value | humanizePercentage }}", "{{ $value | humanizeDuration }}", "{{ $value }}"):
        text = text.replace(template, case.shown)
    return text.replace("{{ $labels.instance }}", case.instance)


def promtool(*arguments: str, given: str = "") -> None:
    assert PROMTOOL is not None
    ran = subprocess.run(  # noqa: S603
        [PROMTOOL, *arguments], input=given, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@needs_promtool
def test_promtool_has_nothing_against_the_metrics() -> None:
    shop = MeteredShop()
    shop.live(shop.pay(shop.upload(PHOTO)), hours=0.2)
    recorder = shop.recorder
    recorder.watch_pool(24, lambda: 3)
    recorder.request_ended("GET", "/reference", 404, 0.1, "not-found")
    recorder.webhook_ended("stripe", "accepted", 0.1)
    recorder.upload_ended("stored")
    recorder.call_ended("s3", "put", 0.1, OSError())
    with closing(FiguresCollector(figures)) as collector:
        recorder.registry.register(collector)
        promtool("check", "metrics", given=generate_latest(recorder.registry).decode())


def panels() -> Sequence[dict[str, Any]]:
    dashboard = json.loads((ROOT / "deploy/grafana/restoreclick.json").read_text())
    found: Sequence[dict[str, Any]] = dashboard["panels"]
    return found


def test_the_dashboard_shows_every_metric_once() -> None:
    assert json.loads(json.dumps(document())) == json.loads(
        (ROOT / "deploy/grafana/restoreclick.json").read_text()
    )
    asked = " ".join(target["expr"] for panel in panels() for target in panel.get("targets", []))
    for metric in METRICS:
        suffix = "_bucket" if metric.kind is Kind.HISTOGRAM else ""
        found = re.findall(rf"\({metric.name}{suffix}[)\[]", asked)
        assert len(found) == (2 if suffix else 1), metric.name


def test_the_dashboard_has_what_grafana_requires() -> None:
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} covers another panel"
        assert place["x"] + place["w"] <= 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert [target["refId"] for target in panel["targets"]] == ["A", "B"][: len(panel["targets"])]


def test_a_panel_of_a_counter_says_that_it_shows_a_rate() -> None:
    units = {
        panel["title"]: panel["fieldConfig"]["defaults"]["unit"] for panel in panels() if panel.get("targets")
    }
    counters = [each for each in METRICS if each.kind is Kind.COUNTER]
    shown = [
        units[each.name.removeprefix("restoreclick_").removesuffix("_total").replace("_", " ")]
        for each in counters
    ]
    assert {unit for unit in shown if unit != "cps" and not unit.endswith("/s")} == set()


@needs_promtool
def test_every_query_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    queries = [target["expr"] for panel in panels() for target in panel.get("targets", [])]
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(queries)
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(file))
