"""The processes of a running shop count an order."""

import json
from functools import partial
from pathlib import Path
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from domain.order.states import State
from tests.journeys.running_shop import RunningShop
from tests.waiting import eventually


def metrics_of(running_shop: RunningShop, log_name: str) -> dict[str, float]:
    """What a process exports now, by name and labels."""
    log = running_shop.shop.worker.log.parent / log_name
    lines = [json.loads(line) for line in log.read_text().splitlines() if '"metrics_served"' in line]
    with urlopen(lines[-1]["url"]) as response:  # noqa: S310 -- the shop's own address
        families = text_string_to_metric_families(response.read().decode())
    return {
        sample.name + json.dumps(sample.labels, sort_keys=True): sample.value
        for family in families
        for sample in family.samples
    }


def test_an_order_is_counted_by_the_processes_that_work_on_it(running_shop: RunningShop, photo: Path) -> None:
    webhooks = 'restoreclick_webhooks_total{"provider": "stripe", "verdict": "accepted"}'
    packed = 'restoreclick_reaction_duration_seconds_count{"kind": "PrepareDownload", "outcome": "done"}'
    sent = 'restoreclick_provider_call_duration_seconds_count{"call": "send", "provider": "sendgrid"}'
    api, worker = (metrics_of(running_shop, name) for name in ("serve.log", "worker.log"))
    _, order_id = running_shop.buy(photo)
    eventually(lambda: running_shop.order(order_id).state is State.COMPLETED, "the completed order")
    api_after = metrics_of(running_shop, "serve.log")
    assert api_after[webhooks] > api.get(webhooks, 0)

    def worker_counts() -> bool:
        after = metrics_of(running_shop, "worker.log")
        return all(after.get(name, 0) > worker.get(name, 0) for name in (packed, sent))

    eventually(worker_counts, "the worker's counts of its archive and e-mails", every_seconds=0.5)
    for log_name in ("serve.log", "worker.log"):
        figures = eventually(partial(with_log, running_shop, log_name), "the log's head", every_seconds=0.5)
        assert figures["restoreclick_facts_up{}"] == 1
        assert figures['restoreclick_queue_depth{"queue": "email"}'] >= 0
        assert figures["restoreclick_database_pool_size{}"] > 0


def with_log(running_shop: RunningShop, log_name: str) -> dict[str, float] | None:
    """The figures, once they are younger than the order."""
    figures = metrics_of(running_shop, log_name)
    return figures if figures["restoreclick_log_head_position{}"] > 0 else None
