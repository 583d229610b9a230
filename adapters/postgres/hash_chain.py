"""The SHA-256 of an event's row, chained to the previous event.

It covers the whole row except its position in the log: order and version, the stored event, its envelope, and the
hash of the previous event in the stream. The hashed form never changes, or existing logs would no longer verify;
``docs/operations.md`` documents it for independent verification.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from domain.order.values import Sha256

_IDS = ("order_id", "event_id", "correlation_id")
_VALUES = ("version", "name", "data", "cause", "cause_key", "actor", "previous_sha256")


def event_sha256(row: Mapping[str, Any]) -> Sha256:
    """Return the SHA-256 of the row's canonical JSON.

    Keys are sorted, there is no white space, and the encoding is UTF-8. Ids are in their canonical form, the time is
    ISO 8601 in UTC with microseconds, and ``data`` is nested JSON.
    """
    contents = {name: row[name] for name in _VALUES} | {name: str(row[name]) for name in _IDS}
    contents["recorded_at"] = row["recorded_at"].astimezone(UTC).isoformat(timespec="microseconds")
    canonical = json.dumps(contents, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Sha256(hashlib.sha256(canonical.encode()).hexdigest())
