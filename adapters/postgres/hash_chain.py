"""What the SHA-256 of an event is taken of.

It covers the whole row but for where that stands in the log: the order and the version, the event as it is stored,
its envelope, and the hash of the event before it in the stream. The form that is hashed never changes, or no log
that was ever written would verify any more; ``docs/operations.md`` tells it to those who check by other means.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from domain.order.values import Sha256

_IDS = ("order_id", "event_id", "correlation_id")
_WORDS = ("version", "name", "data", "cause", "cause_key", "actor", "previous_sha256")


def event_sha256(row: Mapping[str, Any]) -> Sha256:
    """The hash of an event's row: of its canonical JSON, with keys sorted, no blanks, in UTF-8.

    Ids are in their usual form, the moment is ISO 8601 in UTC with microseconds, ``data`` is JSON of its own.
    """
    contents = {name: row[name] for name in _WORDS} | {name: str(row[name]) for name in _IDS}
    contents["recorded_at"] = row["recorded_at"].astimezone(UTC).isoformat(timespec="microseconds")
    canonical = json.dumps(contents, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Sha256(hashlib.sha256(canonical.encode()).hexdigest())
