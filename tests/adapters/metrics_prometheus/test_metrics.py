"""Metrics are as defined, have few labels, and block no scrape."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from threading import Event
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from adapters.metrics_prometheus.definitions import METRICS, Kind, Metric, Source
from adapters.metrics_prometheus.figures_collector import FiguresCollector, values_of
from adapters.metrics_prometheus.recorder import MetricsRecorder
from adapters.metrics_prometheus.server import MetricsServer
from domain.order.values import FailureReason, Money
from domain.ports.backup_runs import BackupFacts
from domain.ports.errors import UnavailableError
from domain.ports.shop_facts import (
    CurrentFacts,
    EmailTotals,
    OpenDispute,
    OrderTotals,
    OwedRefund,
    TotalFacts,
    WorkFacts,
)
from domain.use_cases.monitoring.figures import Figures
from tests.domain.support.event_builders import ORDER_ID, PAID_AT
from tests.doubles.container import InMemoryShop
from tests.doubles.shop_facts import GivenShopFacts

PHOTO = b"\xff\xd8 great-aunt-1931"
NUMBER = "20261122-000001"
MODEL = "flux-kontext-apps/restore-image"


class MeteredShop(InMemoryShop):
    """A shop of doubles whose work is counted."""

    def __init__(self) -> None:
        self.observer = self.recorder = MetricsRecorder("1.2.3", {MODEL: 0.04})
        super().__init__()


def figures(**changes: object) -> Figures:
    """Figures in which every gauge has a value."""
    euros = Money(amount=490, currency="EUR")
    current = CurrentFacts(
        work=[
            WorkFacts(
                kind="IssueRefund",
                waiting=2,
                in_flight=1,
                failing=5,
                done_recently=5,
                oldest_due_at=PAID_AT - timedelta(minutes=6),
                oldest_claimed_at=PAID_AT - timedelta(minutes=1),
            ),
            WorkFacts(kind="OfANewerVersion", waiting=1),
        ],
        held={"overpaid": 1},
        owed_refunds=[
            OwedRefund(order_id=ORDER_ID, number=NUMBER, amount=euros, since=PAID_AT - timedelta(days=2))  # type: ignore[arg-type]
        ],
        unmatched=[euros],
        log_position=1926,
        recorded_at=PAID_AT - timedelta(seconds=3),
        unread_events=1,
        unread_since=PAID_AT - timedelta(seconds=2),
        reconciled_at=PAID_AT - timedelta(hours=7),
        schema="0029",
    )
    totals = TotalFacts(
        orders=[
            OrderTotals(
                state=state,
                currency="EUR",
                orders=2,
                received=980,
                refunded=490,
                photos=2,
                restored=1,
                failed=1,
            )
            for state in ("completed", "refunded")
        ],
        emails=[EmailTotals(kind="result", status="sent", emails=2)],
        disputes=[
            OpenDispute(
                order_id=ORDER_ID,
                number=NUMBER,  # type: ignore[arg-type]
                dispute_id="dp_1926",
                amount=euros,
                opened_at=PAID_AT - timedelta(days=6),
            )
        ],
        stored_bytes=85,
    )
    given: dict[str, object] = {
        "at": PAID_AT,
        "current": current,
        "totals": totals,
        "max_stored_bytes": 100,
        "unprotected_since": PAID_AT - timedelta(hours=2),
        "backups": BackupFacts(
            newest_backup_at=PAID_AT - timedelta(hours=30),
            newest_backup_size_bytes=1926,
            newest_failure_at=None,
            newest_failure=None,
            archives_log=True,
            newest_archived_at=PAID_AT,
            unarchived_since=PAID_AT - timedelta(seconds=40),
            waiting_files=1,
            newest_drill_at=PAID_AT - timedelta(days=3),
            newest_drill_problem=None,
            newest_untried_at=PAID_AT,
            newest_untried_problem="no answer",
        ),
        "backup_interval": timedelta(hours=24),
        "drill_interval": timedelta(days=1),
        "needs_archived_log": True,
        "attention": {"on_hold": 2},
    }
    return Figures(**{**given, **changes})  # type: ignore[arg-type]


def values(registry: CollectorRegistry) -> dict[str, float]:
    """Every sample as Prometheus reads it, by name and labels."""
    return {
        sample.name + str(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


def exported(*collectors: FiguresCollector) -> CollectorRegistry:
    recorder = MetricsRecorder("1.2.3")
    recorder.watch_pool(24, lambda: 3)
    for collector in collectors:
        recorder.registry.register(collector)
    return recorder.registry


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_prometheus_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"restoreclick_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    for unit in ("seconds", "bytes", "ratio"):
        ends = metric.name.removesuffix("_total").endswith(f"_{unit}")
        assert ends == (metric.unit == unit), f"{metric.name} is in {metric.unit}"
    assert metric.help.endswith(".")
    assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)


def test_what_is_exported_is_what_is_defined() -> None:
    with closing(FiguresCollector(figures)) as collector:
        families = {
            family.name: family.type
            for family in text_string_to_metric_families(generate_latest(exported(collector)).decode())
            if family.name.startswith("restoreclick_")
        }
    assert families == {each.name.removesuffix("_total"): each.kind.value for each in METRICS}


def test_every_gauge_of_the_database_has_a_value() -> None:
    expected = {metric for metric in METRICS if metric.source is Source.DATABASE}
    assert set(values_of(figures())) == expected


def test_gauges_add_up_what_tables_hold() -> None:
    with closing(FiguresCollector(figures)) as collector:
        seen = values(exported(collector))
    assert seen["restoreclick_queue_depth[('queue', 'payments')]"] == 2
    assert seen["restoreclick_queue_depth[('queue', 'storage')]"] == 0
    assert seen["restoreclick_queue_depth[('queue', 'unknown')]"] == 1
    assert seen["restoreclick_queue_oldest_age_seconds[('queue', 'payments')]"] == 360
    assert seen["restoreclick_error_ratio[]"] == 0.5
    assert seen["restoreclick_money[('currency', 'EUR'), ('what', 'received')]"] == 1960
    assert seen["restoreclick_money[('currency', 'EUR'), ('what', 'owed')]"] == 490
    assert seen["restoreclick_refund_oldest_owed_age_seconds[]"] == 2 * 86400
    assert seen["restoreclick_dispute_due_seconds[]"] == 86400
    assert seen["restoreclick_storage_used_ratio[]"] == 0.85
    assert seen["restoreclick_log_head_unprotected_seconds[]"] == 7200
    assert seen["restoreclick_backup_overdue_seconds[]"] == 6 * 3600
    assert seen["restoreclick_backup_unarchived_seconds[]"] == 40
    assert seen["restoreclick_backup_log_not_archived[]"] == 0
    assert seen["restoreclick_backup_drill_overdue_seconds[]"] == 86400
    assert seen["restoreclick_backup_drill_failed[]"] == 0
    assert seen["restoreclick_backup_drill_not_tried[]"] == 1
    assert seen["restoreclick_facts_up[]"] == 1


def test_an_order_is_counted_on_its_way() -> None:
    shop = MeteredShop()
    shop.live(shop.pay(shop.upload(PHOTO)))
    seen = values(shop.recorder.registry)
    assert seen["restoreclick_events_total[('event', 'PaymentReceived')]"] == 1
    assert seen["restoreclick_events_total[('event', 'RestorationCompleted')]"] == 1
    done = "restoreclick_reaction_duration_seconds_count[('kind', 'PrepareDownload'), ('outcome', 'done')]"
    assert seen[done] == 1
    assert sum(value for name, value in seen.items() if "predictions_ended" in name) == 1


def test_what_fails_is_counted_as_retried() -> None:
    shop = MeteredShop()
    shop.storage.fault_injector.fail("copy", UnavailableError("S3", "it is off"))
    shop.pay(shop.upload(PHOTO))
    shop.work()
    seen = values(shop.recorder.registry)
    retried = "restoreclick_reaction_duration_seconds_count[('kind', 'MoveImages'), ('outcome', 'retried')]"
    assert seen[retried] == 1


def test_labels_have_few_values_and_hold_no_ids() -> None:
    shop = MeteredShop()
    for number in range(6):
        order_id = shop.pay(shop.upload(PHOTO + bytes([number])))
        shop.work()
        if number % 2:
            shop.end_predictions(FailureReason.CONTENT_FILTER)
        shop.live(order_id, hours=0.5)
    registry = shop.recorder.registry
    with closing(FiguresCollector(figures)) as collector:
        registry.register(collector)
        series = [name for name in values(registry) if name.startswith("restoreclick_")]
    assert len(series) < 1500
    identifying = re.compile(r"[0-9a-f]{8}-|\d{8}-\d{6}|@|\.jpg|evt_|pi_|cs_")
    assert [name for name in series if identifying.search(name)] == []


def test_a_scrape_does_not_wait_for_a_database_that_hangs() -> None:
    answers = Event()

    def hang() -> Figures:
        answers.wait(30)
        return figures()

    with closing(FiguresCollector(hang, timeout_seconds=0.05)) as collector:
        registry = exported(collector)
        assert values(registry)["restoreclick_facts_up[]"] == 0
        assert "restoreclick_error_ratio[]" not in values(registry)
        answers.set()


def test_a_scrape_goes_without_figures_while_the_database_is_off() -> None:
    def refuse() -> Figures:
        raise UnavailableError("PostgreSQL", "it is off")

    with closing(FiguresCollector(refuse)) as collector:
        assert values(exported(collector))["restoreclick_facts_up[]"] == 0


def test_many_scrapes_read_the_database_once() -> None:
    shop = InMemoryShop()
    assert isinstance(shop.shop_facts, GivenShopFacts)
    for _ in range(10):
        shop.figures.read()
    assert shop.shop_facts.reads == 2  # current figures and totals
    shop.clock.advance(seconds=6)
    shop.figures.read()
    assert shop.shop_facts.reads == 3
    shop.clock.advance(seconds=61)
    shop.figures.read()
    assert shop.shop_facts.reads == 5


@pytest.fixture
def served() -> Iterator[MetricsServer]:
    with closing(MetricsServer("127.0.0.1", 0, exported())) as server:
        yield server


def test_metrics_are_served_until_they_are_closed(served: MetricsServer) -> None:
    with urlopen(served.url) as response:  # noqa: S310 -- our own server
        assert 'restoreclick_build_info{version="1.2.3"} 1.0' in response.read().decode()
    served.close()
    fetch: Callable[[str], object] = urlopen
    with pytest.raises(URLError):
        fetch(served.url)
