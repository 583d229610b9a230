"""Verification of the log: findings, places, and comparison with kept heads."""

import hashlib
from collections.abc import Iterable
from uuid import uuid4

import pytest

from adapters.localization.log_defect_text import ADVICE, PROBLEMS, defect_text
from domain.order.values import OrderId
from domain.ports.event_store import ChainedEvent, LogCursor
from domain.ports.log_defects import DefectKind, LogDefect
from domain.signed_tokens import sha256_of
from domain.use_cases.audit.log_verification import LogSnapshot, verify

ADA, GRACE = OrderId(uuid4()), OrderId(uuid4())
FORGED = sha256_of("forged")


def chain(*streams: OrderId) -> list[ChainedEvent]:
    """A log with one more event for each order in the sequence."""
    log: list[ChainedEvent] = []
    for place, order_id in enumerate(streams, start=1):
        before = [event for event in log if event.order_id == order_id]
        previous = before[-1].sha256 if before else None
        sha256 = sha256_of(f"{order_id} {len(before)} {previous}")
        log.append(
            ChainedEvent(
                cursor=LogCursor(700 + place, place),
                order_id=order_id,
                version=len(before) + 1,
                previous_sha256=previous,
                sha256=sha256,
                actual_sha256=sha256,
            )
        )
    return log


LOG = chain(ADA, GRACE, ADA, ADA, GRACE, ADA)


def found(
    log: Iterable[ChainedEvent], kept: LogSnapshot | None = None
) -> list[tuple[DefectKind, OrderId | None, int | None]]:
    return [(each.defect, each.order_id, each.version) for each in verify(log, kept).findings]


def placed(log: Iterable[ChainedEvent]) -> list[ChainedEvent]:
    """The events with consecutive positions in the log."""
    return [event._replace(cursor=LogCursor(700 + place, place)) for place, event in enumerate(log, start=1)]


def test_an_unchanged_log_has_no_defect() -> None:
    assert found(LOG) == []
    assert found(LOG, verify(LOG).head) == []


def test_an_empty_log_has_a_head_like_any_other() -> None:
    head = verify([]).head
    assert (head.events, head.txid, head.position, head.streams) == (0, 0, 0, {})
    assert found([], head) == found(LOG, head) == []


def test_a_log_that_went_on_since_the_head_was_kept_has_nothing_to_be_found() -> None:
    for events in range(len(LOG)):
        assert found(LOG, verify(LOG[:events]).head) == []


def test_the_head_is_one_hash_over_all_in_commit_order_and_depends_on_each_stream() -> None:
    head = verify(LOG).head
    assert head.sha256 == hashlib.sha256("".join(event.sha256 for event in LOG).encode()).hexdigest()
    assert (head.events, head.txid, head.position) == (6, 706, 6)
    assert {order_id: (each.version, each.sha256) for order_id, each in head.streams.items()} == {
        ADA: (4, LOG[5].sha256),
        GRACE: (2, LOG[4].sha256),
    }


def test_an_event_that_says_something_else_is_found() -> None:
    log = [*LOG[:2], LOG[2]._replace(actual_sha256=FORGED), *LOG[3:]]
    assert found(log) == [(DefectKind.CONTENTS_CHANGED, ADA, 2)]


def test_an_event_that_was_given_a_fresh_hash_breaks_the_chain_behind_it() -> None:
    log = [*LOG[:2], LOG[2]._replace(actual_sha256=FORGED, sha256=FORGED), *LOG[3:]]
    assert found(log) == [(DefectKind.PREDECESSOR_CHANGED, ADA, 3)]


@pytest.mark.parametrize(
    ("gone", "order", "version", "last"), [(0, ADA, 1, 1), (1, GRACE, 1, 1), (2, ADA, 2, 2)]
)
def test_an_event_missing_before_another_is_found(gone: int, order: OrderId, version: int, last: int) -> None:
    (finding,) = verify([*LOG[:gone], *LOG[gone + 1 :]]).findings
    assert finding == LogDefect(defect=DefectKind.MISSING, order_id=order, version=version, last_version=last)


def test_events_missing_in_a_row_are_one_finding() -> None:
    (finding,) = verify([*LOG[:2], LOG[4], LOG[5]]).findings
    assert finding == LogDefect(defect=DefectKind.MISSING, order_id=ADA, version=2, last_version=3)
    assert f"Order {ADA}, each version from 2 to 3: it is missing" in defect_text(finding)


def test_a_gap_hides_nothing_behind_it() -> None:
    log = [LOG[0], LOG[1], LOG[3], LOG[4], LOG[5]._replace(previous_sha256=FORGED)]
    assert found(log) == [(DefectKind.MISSING, ADA, 2), (DefectKind.PREDECESSOR_CHANGED, ADA, 4)]


def test_events_of_a_stream_that_were_committed_in_another_order_are_no_finding() -> None:
    log = placed([LOG[3], LOG[1], LOG[5], LOG[2], LOG[0], LOG[4]])
    head = verify(log[:3]).head
    assert found(log) == found(log, head) == []
    assert verify(log).head.streams == verify(LOG).head.streams


def test_a_second_event_with_one_version_is_found() -> None:
    log = [*LOG, LOG[2]._replace(cursor=LogCursor(707, 7))]
    assert found(log) == [(DefectKind.REPEATED, ADA, 2)]


def test_events_that_no_reader_would_see_are_found_and_are_not_in_the_head() -> None:
    hidden = [
        event._replace(cursor=LogCursor(9000 + event.version, 9), is_readable=False) for event in LOG[4:]
    ]
    verdict = verify([*LOG[:4], *hidden])
    assert [(each.defect, each.order_id, each.version) for each in verdict.findings] == [
        (DefectKind.UNREADABLE, GRACE, 2),
        (DefectKind.UNREADABLE, ADA, 4),
    ]
    assert verdict.head == verify(LOG[:4]).head


def test_only_the_first_of_an_orders_unreachable_events_is_reported() -> None:
    hidden = [
        event._replace(cursor=LogCursor(9000 + event.version, 9), is_readable=False)
        for event in LOG
        if event.order_id == ADA
    ]
    seen = [event for event in LOG if event.order_id != ADA]
    assert len(hidden) > 1
    assert found([*seen, *hidden]) == [(DefectKind.UNREADABLE, ADA, 1)]


def test_a_stream_that_lost_its_newest_events_is_found_against_a_kept_head_alone() -> None:
    kept = verify(LOG).head
    assert found(LOG[:3]) == []
    assert verify(LOG[:3], kept).findings == (
        LogDefect(defect=DefectKind.DIFFERENT),
        LogDefect(defect=DefectKind.REMOVED, order_id=ADA, version=3, last_version=4),
        LogDefect(defect=DefectKind.REMOVED, order_id=GRACE, version=2, last_version=2),
    )


def test_a_stream_that_is_gone_is_found_though_the_log_went_on() -> None:
    kept = verify(LOG).head
    ada_alone = [event for event in chain(ADA, GRACE, ADA, ADA, GRACE, ADA, ADA) if event.order_id == ADA]
    assert found(ada_alone) == []
    assert found(ada_alone, kept) == [(DefectKind.DIFFERENT, None, None), (DefectKind.REMOVED, GRACE, 1)]


def test_a_stream_that_was_forged_whole_is_found_against_a_kept_head() -> None:
    kept = verify(LOG).head
    forged = [
        event._replace(
            sha256=FORGED, actual_sha256=FORGED, previous_sha256=FORGED if event.version > 1 else None
        )
        if event.order_id == GRACE
        else event
        for event in LOG
    ]
    assert found(forged) == []
    assert found(forged, kept) == [(DefectKind.DIFFERENT, None, None), (DefectKind.FORGED, GRACE, 2)]


def test_events_that_were_put_among_old_ones_are_found_against_a_kept_head() -> None:
    kept = verify([*LOG[:4], LOG[5]]).head
    assert found(LOG, kept) == [(DefectKind.DIFFERENT, None, None), (DefectKind.ADDED, GRACE, 2)]


def test_orders_that_changed_places_are_found_against_a_kept_head() -> None:
    kept = verify(LOG).head
    swapped = placed([LOG[0], LOG[2], LOG[1], *LOG[3:]])
    assert found(swapped) == []
    assert found(swapped, kept) == [(DefectKind.DIFFERENT, None, None)]


@pytest.mark.parametrize("defect", DefectKind)
def test_every_finding_is_a_sentence_with_the_place_and_what_to_do(defect: DefectKind) -> None:
    sentence = defect_text(LogDefect(defect=defect, order_id=ADA, version=3, last_version=3))
    assert sentence == f"Order {ADA}, version 3: {PROBLEMS[defect]}. What to do: {ADVICE[defect]}."
    assert defect_text(LogDefect(defect=defect)).startswith("The log: ")
