"""A real Prometheus answers every query of the dashboard."""

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.metrics_prometheus import definitions as d
from adapters.metrics_prometheus.dashboard import document
from tests.deploy.dashboard_picture import page
from tests.deploy.prometheus_server import Prometheus, QueryRefusedError, prometheus_of
from tests.deploy.watched_shop import watched_shop
from tests.waiting import eventually

PROMETHEUS = shutil.which("prometheus")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        PROMETHEUS is None,
        reason="Prometheus is missing: apt-get install prometheus, then make test-alerts",
    ),
]

#: What need not have a value in this shop, and why.
EMPTY: Mapping[d.Metric, str] = {
    d.OVERRUNS: "no call takes as long as its limit",
    d.UNARCHIVED: "the sandbox's PostgreSQL archives no log",
    d.LOG_NOT_ARCHIVED: "backups are dumps, which need no archived log",
    d.DRILL_AGE: "root makes no drills, and others make none so soon",
    d.DRILL_OVERDUE: "likewise",
    d.DRILL_FAILED: "likewise",
    d.DRILL_NOT_TRIED: "likewise",
}


@dataclass
class Watched:
    """A Prometheus that collects a shop, and when it began."""

    prometheus: Prometheus
    began: float

    def unanswered(self, dashboard: Mapping[str, Any]) -> set[str]:
        """The queries of a dashboard that Prometheus refuses or finds nothing for."""
        now = time.time()

        def finds(query: str) -> bool:
            try:
                return bool(self.prometheus.ask(query, self.began, now))
            except QueryRefusedError:
                return False

        return {query for query in queries(dashboard) if not finds(query)}


def queries(dashboard: Mapping[str, Any]) -> Iterable[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    with watched_shop(folder / "shop") as shop:
        # Sums over whole tables are read at the first scrape, and then every minute: it shall find orders.
        shop.deliver()
        shop.bounce_mail()
        shop.dispute()
        shop.fail_restoration()
        with prometheus_of(shop.local_shop, str(PROMETHEUS)) as prometheus:
            began = time.time()
            shop.deliver(photos=2)
            shop.refuse_photo(folder)
            shop.fail_first_model()
            shop.fail_mail()
            shop.forge_webhook()
            yield Watched(prometheus, began)


def test_prometheus_accepts_every_query(watched: Watched) -> None:
    for query in queries(document()):
        watched.prometheus.ask(query, watched.began, time.time())


def test_every_panel_shows_what_happened(watched: Watched) -> None:
    def missing() -> set[str]:
        unanswered = watched.unanswered(document())
        return {query for query in unanswered if not any(metric.name in query for metric in EMPTY)}

    with suppress(TimeoutError):
        eventually(lambda: not missing(), within_seconds=30, every_seconds=1)
    assert missing() == set()


def test_a_query_of_a_metric_that_does_not_exist_is_found(watched: Watched) -> None:
    eventually(lambda: d.WEBHOOKS.name not in str(watched.unanswered(document())), every_seconds=1)
    renamed = json.loads(json.dumps(document()).replace(d.WEBHOOKS.name, "restoreclick_hooks_total"))
    assert any("restoreclick_hooks_total" in query for query in watched.unanswered(renamed))


def test_the_picture_has_each_panel_of_the_first_rows_with_its_lines(watched: Watched) -> None:
    drawn = page(document(), watched.prometheus, watched.began, time.time())
    titles = [panel["title"] for panel in document()["panels"]]
    shown = titles[: titles.index("Everything else")]
    assert [title for title in shown if f">{title}</text>" not in drawn] == []
    assert "Everything else" not in drawn
    assert drawn.count("No data") <= len(EMPTY)
    assert "restoration" in drawn, "a legend"
    assert "nan" not in drawn
