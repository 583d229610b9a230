"""Tampering by the database's owner is found and located by the chain."""

from dataclasses import dataclass
from typing import LiteralString

import psycopg
import pytest

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order.values import OrderId
from domain.ports.log_defects import DefectKind
from domain.use_cases.audit.log_verification import LogSnapshot, verify
from tests.changeable_log import changeable_log
from tests.contracts.stored_streams import facts, take_order
from tests.waiting import eventually

Found = list[tuple[DefectKind, OrderId | None, int | None, int | None]]

#: Versions of the order that is tampered with; the other order's are left alone.
VERSIONS = 5


@dataclass(frozen=True)
class Crime:
    """Statements, with ``%s`` for the order, and the defects they cause."""

    statements: tuple[LiteralString, ...]
    alone: tuple[tuple[DefectKind, int, int], ...]
    against_head: tuple[tuple[DefectKind, int, int], ...] = ()
    is_a_difference: bool = True  # between the log and the snapshot


CRIMES = {
    "data changed": Crime(
        (
            """UPDATE events SET data = jsonb_set(data, '{paid,amount}', '1') WHERE order_id = %s AND version = 1""",
        ),
        alone=((DefectKind.CONTENTS_CHANGED, 1, 1),),
        is_a_difference=False,
    ),
    "actor changed": Crime(
        ("UPDATE events SET actor = 'person:mallory' WHERE order_id = %s AND version = 3",),
        alone=((DefectKind.CONTENTS_CHANGED, 3, 3),),
        is_a_difference=False,
    ),
    "moment changed": Crime(
        (
            "UPDATE events SET recorded_at = recorded_at + interval '1 us' WHERE order_id = %s AND version = 5",
        ),
        alone=((DefectKind.CONTENTS_CHANGED, 5, 5),),
        is_a_difference=False,
    ),
    "hash changed": Crime(
        ("UPDATE events SET sha256 = repeat('0', 64) WHERE order_id = %s AND version = 2",),
        alone=((DefectKind.CONTENTS_CHANGED, 2, 2), (DefectKind.PREDECESSOR_CHANGED, 3, 3)),
    ),
    "middle event deleted": Crime(
        ("DELETE FROM events WHERE order_id = %s AND version = 3",),
        alone=((DefectKind.MISSING, 3, 3),),
    ),
    "first event deleted": Crime(
        ("DELETE FROM events WHERE order_id = %s AND version = 1",),
        alone=((DefectKind.MISSING, 1, 1),),
    ),
    "middle event deleted and the gap closed": Crime(
        (
            "DELETE FROM events WHERE order_id = %s AND version = 3",
            "UPDATE events SET version = 3 WHERE order_id = %s AND version = 4",
            "UPDATE events SET version = 4 WHERE order_id = %s AND version = 5",
        ),
        alone=(
            (DefectKind.CONTENTS_CHANGED, 3, 3),
            (DefectKind.PREDECESSOR_CHANGED, 3, 3),
            (DefectKind.CONTENTS_CHANGED, 4, 4),
        ),
        against_head=((DefectKind.REMOVED, 5, 5),),
    ),
    "newest event deleted": Crime(
        ("DELETE FROM events WHERE order_id = %s AND version = 5",),
        alone=(),
        against_head=((DefectKind.REMOVED, 5, 5),),
    ),
    "newest events deleted": Crime(
        ("DELETE FROM events WHERE order_id = %s AND version > 2",),
        alone=(),
        against_head=((DefectKind.REMOVED, 3, 5),),
    ),
    "whole stream deleted": Crime(
        ("DELETE FROM events WHERE order_id = %s",),
        alone=(),
        against_head=((DefectKind.REMOVED, 1, 5),),
    ),
    "events swapped": Crime(
        (
            "UPDATE events SET version = 99 WHERE order_id = %s AND version = 3",
            "UPDATE events SET version = 3 WHERE order_id = %s AND version = 4",
            "UPDATE events SET version = 4 WHERE order_id = %s AND version = 99",
        ),
        alone=(
            (DefectKind.CONTENTS_CHANGED, 4, 4),
            (DefectKind.CONTENTS_CHANGED, 3, 3),
            (DefectKind.PREDECESSOR_CHANGED, 3, 3),
            (DefectKind.PREDECESSOR_CHANGED, 4, 4),
            (DefectKind.PREDECESSOR_CHANGED, 5, 5),
        ),
        is_a_difference=False,
    ),
    "newest event hidden from readers": Crime(
        ("UPDATE events SET txid = '9000000000' WHERE order_id = %s AND version = 5",),
        alone=((DefectKind.UNREADABLE, 5, 5),),
        against_head=((DefectKind.REMOVED, 5, 5),),
    ),
    "event moved to the end of the log": Crime(
        (
            "UPDATE events SET txid = (SELECT max(txid) FROM events) WHERE order_id = %s AND version = 5",
            "UPDATE events SET position = DEFAULT WHERE order_id = %s AND version = 5",
        ),
        alone=(),
        against_head=((DefectKind.REMOVED, 5, 5),),
    ),
}


def keep_head(unit_of_work: PostgresUnitOfWork) -> LogSnapshot:
    """The head of an unchanged log of two orders."""
    eventually(lambda: len(list(unit_of_work.chained_events())) == 2 * VERSIONS, "the whole log")
    verdict = verify(unit_of_work.chained_events())
    assert verdict.findings == ()
    return verdict.head


def tamper(database_url: str, order_id: OrderId, *statements: LiteralString) -> None:
    """Change the log as a superuser, restoring its trigger afterwards."""
    with psycopg.connect(database_url) as connection, changeable_log(connection):
        for statement in statements:
            assert connection.execute(statement, (order_id,)).rowcount > 0


def found(unit_of_work: PostgresUnitOfWork, kept: LogSnapshot | None = None) -> Found:
    return [
        (each.defect, each.order_id, each.version, each.last_version)
        for each in verify(unit_of_work.chained_events(), kept).findings
    ]


@pytest.mark.parametrize("crime", CRIMES.values(), ids=CRIMES)
def test_every_kind_of_tampering_is_found_and_located(
    unit_of_work: PostgresUnitOfWork, own_database_url: str, crime: Crime
) -> None:
    victim, other = facts(), facts()
    for about in (victim, other):
        take_order(unit_of_work, about, about.moved(), about.started(), about.restored(), about.held())
    kept = keep_head(unit_of_work)
    assert found(unit_of_work, kept) == []
    tamper(own_database_url, victim.order_id, *crime.statements)
    place = victim.order_id
    alone: Found = [(defect, place, first, last) for defect, first, last in crime.alone]
    differences: Found = [(DefectKind.DIFFERENT, None, None, None)] if crime.is_a_difference else []
    against = [(defect, place, first, last) for defect, first, last in crime.against_head]
    assert found(unit_of_work) == alone
    assert found(unit_of_work, kept) == [*alone, *differences, *against]
    assert alone or against
