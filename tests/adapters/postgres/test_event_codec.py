"""Stored events stay readable."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from adapters.postgres.connections import connect
from adapters.postgres.event_codec import NAMES, REPLACED, UPCASTERS, Codec, UnknownEventError
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.order import events as e
from domain.order.values import EmailKind, FailureReason, HoldReason, NoteId
from tests.contracts.stored_streams import facts, take_order
from tests.domain.support.event_builders import PHONE, Facts

STORED_EVENTS = Path(__file__).with_name("stored_events.json")

FACTS = Facts()
NOTE = NoteId(UUID("01931000-0000-7000-8000-0000000000aa"))
EVENTS: tuple[e.Event, ...] = (
    FACTS.paid(discount=98, client=PHONE),
    FACTS.moved(),
    FACTS.started(),
    FACTS.attempt_failed(reason=FailureReason.TIMED_OUT),
    FACTS.small_result(),
    replace(FACTS.restored(), original_width=4096, original_height=3072),
    FACTS.failed(1, attempts=3, reason=FailureReason.BAD_OUTPUT),
    replace(FACTS.redo(0), note_id=NOTE),
    FACTS.redo_failed(),
    FACTS.prepared(0),
    replace(FACTS.link_issued(), note_id=NOTE, is_shared=True),
    replace(FACTS.link_revoked(), note_id=NOTE),
    FACTS.served(FACTS.image(0)),
    FACTS.downloaded(FACTS.image(0)),
    replace(FACTS.email_requested(EmailKind.RESULT), note_id=NOTE),
    FACTS.sent(EmailKind.CONFIRMATION),
    FACTS.unconfirmed(EmailKind.RESULT),
    FACTS.email_failed(EmailKind.REFUND),
    FACTS.bounced(EmailKind.RESULT),
    FACTS.deferred(EmailKind.RESULT),
    FACTS.blocked(EmailKind.RESULT),
    FACTS.opted_out(EmailKind.RESULT),
    FACTS.owed(441, 1),
    FACTS.refund_accepted(441),
    FACTS.refund_issued(441),
    FACTS.refund_failed(),
    FACTS.refund_dropped(),
    replace(FACTS.disputed(), respond_by=datetime(2026, 12, 6, 22, 59, 59, tzinfo=UTC)),
    FACTS.decided(),
    FACTS.credited(),
    FACTS.debited(),
    replace(FACTS.held(HoldReason.AMOUNT_MISMATCH), note_id=NOTE),
    replace(FACTS.released(), note_id=NOTE),
    FACTS.note(),
    FACTS.purged(),
    FACTS.erased(),
)
#: Events that only older versions wrote.
OLD_EVENTS: tuple[e.Event, ...] = (
    FACTS.disputed(),
    FACTS.paid(discount=98),
    FACTS.restored(),
    replace(FACTS.link_issued(), note_id=NOTE),
    replace(FACTS.refund_issued(441), is_told=False),
    FACTS.served(FACTS.image(0), client=None),
)
WITH_NOTHING_OPTIONAL: tuple[e.Event, ...] = (
    FACTS.paid(discount=980),
    FACTS.attempt_failed(prediction=None),
    FACTS.sent(EmailKind.RESULT, message_id=None),
    FACTS.downloaded(),
    FACTS.held(),
    FACTS.released(),
)

#: As if OrderReleased had first been stored with a "by", then with a "memo", and now with a note's id.
THIRD_VERSION = {**NAMES, e.OrderReleased: ("order.released", 3)}


def from_first(fields: dict[str, Any]) -> dict[str, Any]:
    return {"memo": fields["by"]}


def from_second(fields: dict[str, Any]) -> dict[str, Any]:
    return {"note_id": fields["memo"]}


CODEC = Codec(THIRD_VERSION, {("order.released", 1): from_first, ("order.released", 2): from_second})


def stored(event: e.Event) -> dict[str, Any]:
    codec = Codec()
    encoded = json.loads(codec.encode(event))
    return {"name": codec.stored_name(event), "data": encoded}


def test_every_event_has_a_stored_name_of_its_own() -> None:
    assert set(NAMES) == set(e.EVENT_TYPES)
    assert len({name for name, _ in NAMES.values()}) == len(NAMES)


def test_there_is_an_example_of_every_event() -> None:
    assert [type(event) for event in EVENTS] == list(e.EVENT_TYPES)


def test_the_stored_form_of_an_event_does_not_change_by_accident() -> None:
    """Add an upcaster, and a line to the stored events."""
    golden = json.loads(STORED_EVENTS.read_text())
    current = {line["name"]: line for line in golden}
    assert [current[Codec().stored_name(event)] for event in EVENTS] == [stored(event) for event in EVENTS]


def test_every_event_that_was_ever_stored_is_still_read() -> None:
    for line in json.loads(STORED_EVENTS.read_text()):
        event = Codec().decode(line["name"], json.dumps(line["data"]))
        assert event in (*EVENTS, *OLD_EVENTS)


@pytest.mark.parametrize(
    "event", [*EVENTS, *OLD_EVENTS, *WITH_NOTHING_OPTIONAL], ids=lambda event: type(event).__name__
)
def test_an_event_comes_back_as_it_was_stored(event: e.Event) -> None:
    line = stored(event)
    assert Codec().decode(line["name"], json.dumps(line["data"])) == event


def test_an_old_version_is_brought_up_to_date_step_by_step() -> None:
    noted = replace(FACTS.released(), note_id=NOTE)
    assert CODEC.decode("order.released.v1", json.dumps({"by": str(NOTE)})) == noted
    assert CODEC.decode("order.released.v2", json.dumps({"memo": str(NOTE)})) == noted
    assert CODEC.decode("order.released.v3", json.dumps({"note_id": str(NOTE)})) == noted
    assert CODEC.stored_name(noted) == "order.released.v3"


def test_every_older_version_has_an_upcaster() -> None:
    older = {(name, version) for name, current in NAMES.values() for version in range(1, current)}
    replaced = {(name, int(version)) for name, _, version in (each.rpartition(".v") for each in REPLACED)}
    assert set(UPCASTERS) | replaced == older
    assert not set(UPCASTERS) & replaced


def test_a_download_of_version_1_is_read_as_served() -> None:
    link_id, image_id = FACTS.downloaded().link_id, FACTS.image(1)
    stored = json.dumps({"link_id": str(link_id), "image_id": str(image_id)})
    assert Codec().decode("order.result_downloaded.v1", stored) == e.ResultServed(
        link_id=link_id, image_id=image_id
    )


@pytest.mark.parametrize(
    "name",
    [
        "order.released.v4",
        "order.released.v0",
        "order.released.vx",
        "order.released",
        "order.framed.v1",
        "",
        "order.released.v-1",
    ],
)
def test_an_unknown_stored_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownEventError) as refusal:
        CODEC.decode(name, "{}")
    assert refusal.value.stored_name == name


def test_an_old_event_in_the_log_is_loaded_as_a_current_one(own_database_url: str) -> None:
    about = facts()
    old_database, new_database = (
        PostgresUnitOfWork(own_database_url, connections=1),
        PostgresUnitOfWork(own_database_url, connections=1, codec=CODEC),
    )
    take_order(old_database, about, about.held())
    engine = connect(own_database_url, connections=1)
    with engine.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO events (event_id, order_id, version, name, data, recorded_at, cause, cause_key,
                correlation_id, actor, previous_sha256, sha256) SELECT gen_random_uuid(), order_id, 3,
                'order.released.v1', jsonb_build_object('by', CAST(:note AS text)), now(), 'test', 'test',
                gen_random_uuid(), 'test', sha256, repeat('0', 64) FROM events WHERE version = 2"""
            ),
            {"note": str(NOTE)},
        )
    with new_database.transaction() as transaction:
        assert transaction.event_store.history(about.order_id)[2].event == replace(
            about.released(), note_id=NOTE
        )
        assert not transaction.event_store.load(about.order_id).is_held
    for each in (old_database, new_database):
        each.close()
    engine.dispose()
