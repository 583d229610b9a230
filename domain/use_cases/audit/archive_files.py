"""Text files for archives: events as JSON, timelines and plain text."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from domain.order.events import RecordedEvent
from domain.ports.archives import ArchiveEntry


def text_file(name: str, text: str) -> ArchiveEntry:
    """Return a text file in UTF-8."""
    content = text.encode()
    return ArchiveEntry(name=name, size_bytes=len(content), content=[content])


def json_file(name: str, value: object) -> ArchiveEntry:
    """Return a JSON file; values of other types are written with ``str``."""
    return text_file(
        name, json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str) + "\n"
    )


def event_document(recorded: RecordedEvent) -> Mapping[str, object]:
    """Return an event with its envelope, for JSON."""
    return {"type": type(recorded.event).__name__, **asdict(recorded)}
