"""The Grafana dashboard: a panel for each metric, in rows by subject.

``deploy/grafana/restoreclick.json`` is generated from this module. A metric that no row names gets a panel in the last
row, so that none is forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.metrics_prometheus import definitions as d
from adapters.metrics_prometheus.definitions import METRICS, Kind, Metric, Source

SCHEMA_VERSION = 39
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

#: Grafana's grid has 24 columns.
_WIDTH, _HEIGHT, _COLUMNS = 8, 7, 24

_UNITS = {
    "seconds": "s",
    "bytes": "bytes",
    "ratio": "percentunit",
}

#: A counter is shown as its rate, by default in counts a second.
_RATE_UNITS = {
    "seconds": "suffix: s/s",
    "US dollars": "suffix: $/s",
}

#: Labels that a panel adds up, because they would give too many lines.
_HIDDEN = frozenset({"status", "method", "call"})


@dataclass(frozen=True)
class Row:
    """A row of panels under a title."""

    title: str
    metrics: Sequence[Metric]


ROWS: Sequence[Row] = (
    Row(
        "Work",
        (d.QUEUE_DEPTH, d.QUEUE_OLDEST, d.QUEUE_IN_FLIGHT, d.ERROR_RATIO, d.REACTION_SECONDS, d.EVENTS),
    ),
    Row("Orders and money", (d.ORDERS, d.ORDERS_HELD, d.ATTENTION, d.MONEY, d.OWED_OLDEST, d.DISPUTE_DUE)),
    Row("Visitors", (d.HTTP_SECONDS, d.HTTP_REFUSALS, d.UPLOADS)),
    Row(
        "Providers",
        (d.WEBHOOK_SECONDS, d.WEBHOOKS, d.PROVIDER_SECONDS, d.PROVIDER_ERRORS, d.PREDICTIONS_ENDED, d.EMAILS),
    ),
    Row(
        "Log and storage",
        (
            d.LOG_POSITION,
            d.BEHIND_LOG,
            d.HEAD_LAG,
            d.LOG_UNREAD_AGE,
            d.STORAGE_USED,
            d.BACKUP_AGE,
            d.UNARCHIVED,
        ),
    ),
)


def document() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    shown = {metric for row in ROWS for metric in row.metrics}
    others = Row("Everything else", tuple(metric for metric in METRICS if metric not in shown))
    panels: list[dict[str, Any]] = []
    y = 0
    for row in (*ROWS, others):
        panels.append(_row(row.title, y, len(panels) + 1))
        y += 1
        for position, metric in enumerate(row.metrics):
            x = position * _WIDTH % _COLUMNS
            panels.append(_panel(metric, x, y + position * _WIDTH // _COLUMNS * _HEIGHT, len(panels) + 1))
        y += -(-len(row.metrics) * _WIDTH // _COLUMNS) * _HEIGHT
    return {
        "uid": "restoreclick",
        "title": "RestoreClick",
        "tags": ["restoreclick"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
            ]
        },
        "panels": panels,
    }


def queries_of(metric: Metric) -> list[tuple[str, str]]:
    """What a metric's panel asks Prometheus, with a legend for each."""
    labels = [label for label in metric.labels if label not in _HIDDEN]
    by = f" by ({', '.join(labels)})" if labels else ""
    legend = " ".join(f"{{{{{label}}}}}" for label in labels) or metric.name.removeprefix("restoreclick_")
    if metric.kind is Kind.COUNTER:
        return [(f"sum{by} (rate({metric.name}[$__rate_interval]))", legend)]
    if metric.kind is Kind.HISTOGRAM:
        buckets = f" by ({', '.join(['le', *labels])})"
        rate = f"sum{buckets} (rate({metric.name}_bucket[$__rate_interval]))"
        return [(f"histogram_quantile({share}, {rate})", f"{legend} {name}") for share, name in _QUANTILES]
    how = "max" if metric.source is Source.DATABASE else "sum"
    return [(f"{how}{by} ({metric.name})", legend)]


_QUANTILES = ((0.5, "median"), (0.95, "95 %"))


def _row(title: str, y: int, panel_id: int) -> dict[str, Any]:
    return {
        "id": panel_id,
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": {"h": 1, "w": _COLUMNS, "x": 0, "y": y},
        "panels": [],
    }


def _panel(metric: Metric, x: int, y: int, panel_id: int) -> dict[str, Any]:
    is_rate = metric.kind is Kind.COUNTER
    unit = _RATE_UNITS.get(metric.unit, "cps") if is_rate else _UNITS.get(metric.unit, "short")
    return {
        "id": panel_id,
        "type": "timeseries",
        "title": metric.name.removeprefix("restoreclick_").removesuffix("_total").replace("_", " "),
        "description": metric.help,
        "datasource": _DATASOURCE,
        "gridPos": {"h": _HEIGHT, "w": _WIDTH, "x": x, "y": y},
        "fieldConfig": {
            "defaults": {"unit": unit, "min": None if metric is d.DISPUTE_DUE else 0},
            "overrides": [],
        },
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "expr": query,
                "legendFormat": legend,
                "datasource": _DATASOURCE,
            }
            for number, (query, legend) in enumerate(queries_of(metric))
        ],
    }
