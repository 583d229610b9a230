"""The reconciliation report for people and programs."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.ports.errors import UnavailableError
from domain.signed_tokens import sha256_of
from entrypoints.cli.commands.reconcile import reconcile
from entrypoints.cli.support.moments import UnknownMomentError, moment
from entrypoints.worker.scheduled_reconciliation import compare_if_due
from tests.contracts.stored_streams import facts, take_order
from tests.contracts.unreadable_events import DAMAGES, spoil_in_postgres
from tests.doubles.container import InMemoryShop
from tests.entrypoints.support.shell import Shell
from tests.sandbox.processes import TwinProcess

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALL = "2026-01-01"  # the doubles' clock is set to March


@pytest.fixture
def shop() -> InMemoryShop:
    """A shop in which one payment was never heard of."""
    shop = InMemoryShop()
    shop.payment(shop.upload(b"wedding"))
    shop.clock.advance(hours=2)
    return shop


def compare(shop: InMemoryShop, *, repairs: bool = False, as_json: bool = False) -> bool:
    return reconcile(shop.reconciliation, ALL, repairs=repairs, reads_bytes=True, as_json=as_json)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("12h", NOW - timedelta(hours=12)),
        (" 30m", NOW - timedelta(minutes=30)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T10:00:00+01:00", datetime(2026, 11, 20, 9, tzinfo=UTC)),
    ],
)
def test_a_moment_is_written_as_a_span_or_a_date(written: str, meant: datetime) -> None:
    assert moment(written, NOW) == meant


@pytest.mark.parametrize(
    "written", ["", "yesterday", "7", "7w", "-1d", "99999999d", "2026-13-01", "2027-01-01"]
)
def test_a_start_that_is_no_past_moment_is_reported_in_a_sentence(written: str) -> None:
    with pytest.raises(UnknownMomentError, match="is no moment in the past: write 7d, 12h"):
        moment(written, NOW)


def test_a_finding_says_what_is_wrong_since_when_and_what_to_do(
    shop: InMemoryShop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(shop) is False
    report = capsys.readouterr().out
    for text in (
        "Stripe: 1 finding\n  wrong    cs_1, order ",
        "(since 2026-03-14 15:09)",
        "4.90 EUR were paid, and there is neither an order nor an unmatched payment.",
        "`--fix` applies it",
        "The storage: agrees",
        "Log and providers disagree: 1 finding to look at.",
    ):
        assert text in report


def test_repairs_leave_no_finding(shop: InMemoryShop, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(shop, repairs=True) is True
    report = capsys.readouterr().out
    assert "Stripe: 1 repaired\n  repaired cs_1" in report
    assert report.endswith("Log and providers agree.\n")


def test_sides_that_could_not_be_asked_are_named_and_never_called_agreeing(
    shop: InMemoryShop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.email_listing.is_closed = True
    shop.prediction_listing.fault_injector.fail("predictions", UnavailableError("The double", "away"))
    assert compare(shop, repairs=True) is False
    report = capsys.readouterr().out
    assert "Replicate: not compared to the end\n  The double is not available (away)" in report
    assert "SendGrid: not compared\n  The mail double cannot be compared, because" in report
    assert report.endswith("as far as they were compared; SendGrid and Replicate could not be.\n")


def test_programs_get_a_line_for_each_finding_and_one_for_the_whole(
    shop: InMemoryShop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.email_listing.is_closed = True
    assert compare(shop, as_json=True) is False
    finding, whole = map(json.loads, capsys.readouterr().out.splitlines())
    assert (finding["side"], finding["what"], finding["subject"]) == (
        "stripe",
        "payment_not_on_record",
        "cs_1",
    )
    assert (whole["agrees"], whole["findings"], whole["remaining"], list(whole["closed"])) == (
        False,
        1,
        1,
        ["sendgrid"],
    )


def test_an_old_api_version_of_stripes_webhooks_is_a_finding_for_people_and_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shop = InMemoryShop()
    paid = shop.payment(shop.upload(b"wedding"))
    webhook_event = replace(
        paid, created_at=shop.clock.now(), api_version="2023-10-16", is_of_old_version=True
    )
    shop.payment_listing.webhook_events.append(webhook_event)
    shop.payment_webhook.handle(webhook_event, sha256_of(b"webhook event"))
    shop.clock.advance(hours=2)
    assert compare(shop, repairs=True) is False
    assert "Raise the webhook endpoint's API version" in capsys.readouterr().out
    assert compare(shop, as_json=True) is False
    (finding,) = [
        each
        for each in map(json.loads, capsys.readouterr().out.splitlines())
        if each.get("what") == "webhook_version_old"
    ]
    assert (finding["side"], finding["subject"]) == ("stripe", "2023-10-16")
    assert "2024-10-28.acacia or later" in finding["advice"]


def test_a_scheduled_comparison_repairs_and_logs_ids_only(shop: InMemoryShop) -> None:
    shop.prediction_listing.fault_injector.fail("predictions", UnavailableError("The double", "away"))
    with capture_logs() as logs:
        compare_if_due(shop.reconciliation, timedelta(days=1))
        compare_if_due(shop.reconciliation, timedelta(days=1))
    assert [line["event"] for line in logs] == ["reconcile_finding", "reconcile_cut_off", "reconcile_done"]
    finding, cut_off, done = logs
    assert set(finding) == {"event", "log_level", "side", "what", "subject", "order_id", "is_healed"}
    assert (finding["what"], finding["is_healed"]) == ("payment_not_on_record", True)
    assert cut_off["side"] == "replicate"
    assert (done["findings"], done["remaining"]) == (1, 0)


def test_a_clean_shop_ends_well(restoreclick: Shell) -> None:
    answer = restoreclick("reconcile")
    assert (answer.status, answer.out.splitlines()[-1], answer.err) == (0, "Log and providers agree.", "")


def test_one_event_that_cannot_be_read_cuts_off_neither_the_comparison_nor_the_list_of_attention(
    restoreclick: Shell, own_database_url: str
) -> None:
    spoiled, held = facts(), facts()
    with closing(PostgresUnitOfWork(own_database_url, connections=1)) as unit_of_work:
        for about in (spoiled, held):
            take_order(unit_of_work, about, about.held())
    spoil_in_postgres(own_database_url, spoiled.order_id, DAMAGES["damaged fields"])
    compared = restoreclick("reconcile", "--since", "2026-11-01", "--json")
    *findings, whole = map(json.loads, compared.out.splitlines())
    (broken,) = [each for each in findings if each["order_id"] == str(spoiled.order_id)]
    assert (compared.status, broken["what"], whole["cut_off"]) == (1, "stream_broken", {})
    assert "order_held" in {each["what"] for each in findings if each["order_id"] == str(held.order_id)}
    listed = restoreclick("orders", "attention", "--json")
    items = {item["order_id"]: item for item in map(json.loads, listed.out.splitlines())}
    assert (items[str(spoiled.order_id)]["kind"], items[str(held.order_id)]["kind"]) == (
        "stream_broken",
        "on_hold",
    )
    assert items[str(spoiled.order_id)]["commands"] == [
        "restoreclick events verify",
        "restoreclick reconcile",
    ]
    assert "stream broken" in restoreclick("orders", "attention").out


def test_remaining_findings_end_with_a_status_of_one(restoreclick: Shell, stripe: TwinProcess) -> None:
    stripe.misbehave("GET /v1/refunds", "status", status=503, times=None)
    answer = restoreclick("reconcile", "--since", "12h", "--skip-bytes")
    assert answer.status == 1
    assert "Stripe: not compared to the end" in answer.out
    assert "The storage: agrees" in answer.out


def test_a_moment_that_is_none_is_a_misuse(restoreclick: Shell) -> None:
    answer = restoreclick("reconcile", "--since", "yesterday")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("'yesterday' is no moment in the past")
