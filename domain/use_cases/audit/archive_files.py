"""What archives hold beside photos: an order's events for programs, its story for people, and other text."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from domain.order.events import RecordedEvent
from domain.ports.archives import ArchiveEntry
from domain.use_cases.audit.timeline import Timeline


def text_file(name: str, text: str) -> ArchiveEntry:
    """A file of text, in UTF-8."""
    content = text.encode()
    return ArchiveEntry(name=name, size_bytes=len(content), content=[content])


def json_file(name: str, value: object) -> ArchiveEntry:
    """A file of JSON; what JSON does not know is written as people would."""
    return text_file(
        name, json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str) + "\n"
    )


def story_file(name: str, timeline: Timeline) -> ArchiveEntry:
    """A story, a line an event."""
    lines = [f"{entry.recorded.recorded_at:%Y-%m-%d %H:%M:%S}  {entry.text}" for entry in timeline.entries]
    return text_file(name, "\n".join([timeline.title, "", *lines, "", timeline.ending, ""]))


def event_document(recorded: RecordedEvent) -> Mapping[str, object]:
    """An event with its envelope, for JSON."""
    return {"type": type(recorded.event).__name__, **asdict(recorded)}
