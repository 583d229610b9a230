"""The SHA-256 of an event's row, chained to the previous event.

It covers the whole row except its position in the log: order and version, the stored event, its envelope, and the
hash of the previous event in the stream. The hashed form never changes, or existing logs would no longer verify;
``docs/operations.md`` documents it for independent verification.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import msgspec

from domain.order.values import Sha256

_TEXTS = ("name", "cause", "cause_key", "actor", "previous_sha256", "version")
_IDS = ("order_id", "event_id", "correlation_id")
_ENCODER = msgspec.json.Encoder(order="sorted")
#: The hashed form has fractions in Python's notation; msgspec writes exponents otherwise.
_DECODER = msgspec.json.Decoder(float_hook=lambda digits: msgspec.Raw(repr(float(digits)).encode()))


def event_sha256(row: Mapping[str, Any]) -> Sha256:
    """Return the SHA-256 of the row's canonical JSON.

    ``data`` is JSON text. Keys are sorted at every level, there is no white space, and the encoding is UTF-8. Ids are
    in their canonical form, the time is ISO 8601 in UTC with microseconds, and ``data`` is nested JSON.
    """
    texts = {name: str(row[name]) for name in _IDS} | {name: row[name] for name in _TEXTS}
    recorded_at = row["recorded_at"].astimezone(UTC).isoformat(timespec="microseconds")
    return texts_sha256({**texts, "recorded_at": recorded_at, "data": row["data"]})


def texts_sha256(texts: dict[str, Any]) -> Sha256:
    """Return ``event_sha256`` of hashed values, except ``data``, which is decoded in place."""
    texts["data"] = _DECODER.decode(texts["data"])
    return Sha256(hashlib.sha256(_ENCODER.encode(texts)).hexdigest())
