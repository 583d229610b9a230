"""Rows of events, and what is read from them."""

from collections.abc import Sequence
from typing import Any

from adapters.postgres.event_codec import Codec
from domain.order.events import RecordedEvent
from domain.order.evolve import FoldedEvent, continue_fold
from domain.order.order import Order
from domain.order.replacement import made
from domain.ports.errors import UnreadableEventError
from domain.ports.event_store import UnreadableEvent

#: The columns of an event that are written; PostgreSQL adds its position.
EVENT_COLUMNS = (
    "event_id",
    "order_id",
    "version",
    "name",
    "data",
    "recorded_at",
    "cause",
    "cause_key",
    "correlation_id",
    "actor",
    "previous_sha256",
    "sha256",
)
_AS_STORED = ", ".join(name for name in EVENT_COLUMNS if name != "data")
#: The columns that ``decode_row`` reads.
EVENT_FIELDS = f"position, data::text AS data, {_AS_STORED}"
#: The columns that a fold needs, in the order of ``folded_from``.
FOLD_FIELDS = "order_id, version, recorded_at, sha256, name, data::text"


def folded_from(rows: Sequence[tuple[Any, ...]], codec: Codec, before: Order) -> Order:
    """Apply rows of ``FOLD_FIELDS`` to the order before them."""
    order_id = before.order_id
    try:
        stream = [
            FoldedEvent(version, recorded_at, sha256, codec.decode(name, data))
            for _, version, recorded_at, sha256, name, data in rows
        ]
        return continue_fold(before, stream)
    except UnreadableEventError as error:
        raise UnreadableEventError(error.detail, order_id) from error
    except LookupError as error:
        raise UnreadableEventError(
            "one of its events is about something that the events before it do not know; run `restoreclick reconcile`",
            order_id,
        ) from error


def decode_row(row: Sequence[Any], codec: Codec) -> RecordedEvent:
    """Decode a row of ``EVENT_FIELDS``; raise UnreadableEventError."""
    (
        position,
        data,
        event_id,
        order_id,
        version,
        name,
        recorded_at,
        cause,
        cause_key,
        correlation_id,
        actor,
        _,
        sha256,
    ) = row
    try:
        event = codec.decode(name, data)
    except UnreadableEventError as error:
        raise UnreadableEventError(error.detail, order_id) from error
    return made(
        RecordedEvent,
        event_id=event_id,
        order_id=order_id,
        version=version,
        recorded_at=recorded_at,
        cause=cause,
        cause_key=cause_key,
        correlation_id=correlation_id,
        actor=actor,
        event=event,
        position=position,
        sha256=sha256,
    )


def read_row(row: Sequence[Any], codec: Codec) -> RecordedEvent | UnreadableEvent:
    """Decode a row, or return why it is unreadable."""
    try:
        return decode_row(row, codec)
    except UnreadableEventError as error:
        position, _, event_id, order_id, version, name, recorded_at, *_, actor, _, _ = row
        return UnreadableEvent(
            event_id=event_id,
            order_id=order_id,
            version=version,
            position=position,
            stored_name=name,
            recorded_at=recorded_at,
            actor=actor,
            detail=error.detail,
        )
