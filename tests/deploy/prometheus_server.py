"""Debian's Prometheus, which collects the metrics of a local shop."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml

from sandbox.demo.local_shop import LocalShop
from sandbox.ports import HOST, claimed_ports
from sandbox.processes import Process

READY_SECONDS = 60.0
#: Far more often than in production, so that a minute has as many points as a quarter of an hour.
SCRAPE_SECONDS = 1
#: Grafana's $__rate_interval is four scrapes at least.
RATE_INTERVAL = "15s"


@dataclass(frozen=True)
class Series:
    """A line: its labels, and its values by Unix time, without gaps."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]

    def legend(self, template: str) -> str:
        """The name of the line in a panel."""
        for label, value in self.labels.items():
            template = template.replace(f"{{{{{label}}}}}", value)
        return template


class QueryRefusedError(Exception):
    """Prometheus did not accept a query."""

    def __init__(self, query: str, reason: str) -> None:
        super().__init__(f"{query}: {reason}")


class Prometheus:
    """A client of the server's API."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    def ask(self, query: str, began: float, ended: float, step_seconds: float = 1) -> list[Series]:
        """What a panel's query gives for a period.

        Values that are no number are left out. Raises QueryRefusedError.
        """
        given = {
            "query": query.replace("$__rate_interval", RATE_INTERVAL),
            "start": f"{began:.3f}",
            "end": f"{ended:.3f}",
            "step": f"{step_seconds:g}",
        }
        answer = self._http.post("/api/v1/query_range", data=given).json()
        if answer["status"] != "success":
            raise QueryRefusedError(query, answer["error"])
        found = (
            Series(each["metric"], [(at, float(value)) for at, value in each["values"] if value != "NaN"])
            for each in answer["data"]["result"]
        )
        return [series for series in found if series.points]

    def collects(self, targets: int) -> bool:
        """Whether so many processes have been collected."""
        found: Any = self._http.get("/api/v1/targets").json()
        return [each["health"] for each in found["data"]["activeTargets"]] == ["up"] * targets


@contextmanager
def prometheus_of(shop: LocalShop, program: str) -> Iterator[Prometheus]:
    """Start a server, and wait until it collects each process."""
    folder = shop.data_dir / "prometheus"
    folder.mkdir()
    addresses = [metrics_address(shop.data_dir / "logs" / name) for name in ("serve.log", "worker.log")]
    configuration = {
        "global": {"scrape_interval": f"{SCRAPE_SECONDS}s"},
        "scrape_configs": [{"job_name": "restoreclick", "static_configs": [{"targets": addresses}]}],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    with claimed_ports(folder / "ports.json", ["Prometheus"]) as ports:
        address = f"{HOST}:{ports['Prometheus']}"
        argv = [
            program,
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
        ]
        with (
            Process.start("Prometheus", argv, log=folder / "prometheus.log") as process,
            httpx2.Client(base_url=f"http://{address}", trust_env=False) as http,
        ):
            prometheus = Prometheus(http)
            process.wait_until(lambda: "ready to receive" in process.output(), READY_SECONDS)
            process.wait_until(lambda: prometheus.collects(len(addresses)), READY_SECONDS)
            yield prometheus


def metrics_address(log: Path) -> str:
    """Where a process serves its metrics, as its log says."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if '"metrics_served"' in line]
    return str(httpx2.URL(lines[-1]["url"]).netloc.decode())
