"""Printing of an order's timeline: entries with times, and staff notes."""

import textwrap
from collections.abc import Iterable, Mapping
from datetime import timedelta

from rich.console import Console
from rich.text import Text

from domain.order.note_references import note_id_of
from domain.order.values import NoteId
from domain.ports.notes import Note
from entrypoints.bootstrap.wording import TimelineLine, TimelineText, date_text, duration_text

#: Columns of a line, and of its margin with the times; longer lines are hard to read.
STORY_WIDTH, MARGIN = 100, 24

_ERASED = "(what was written about it is erased)"


def print_timeline(console: Console, timeline: TimelineText, notes: Iterable[Note] = ()) -> None:
    """Print a timeline with its notes.

    Each entry has its time, the time since the previous event, what happened, who did it, and the note on it.
    """
    words = {note.note_id: note.text for note in notes}
    console.print(Text(timeline.title, style="bold"))
    console.print("An entry without a name was made by the shop itself.", style="dim")
    today = None
    for entry in timeline.entries:
        at = entry.recorded.recorded_at
        if at.date() != today:
            today = at.date()
            console.print(Text(f"\n{at:%A}, {date_text(at)} (UTC)", style="italic"))
        print_entry(console, entry)
        if (written := _written(entry, words)) is not None:
            print_beside(console, Text(" " * MARGIN), written)
    console.print(f"\n{timeline.ending}", soft_wrap=True)


def _written(entry: TimelineLine, words: Mapping[NoteId, str]) -> str | None:
    """The note on an entry, if any, or that it is erased."""
    note_id = note_id_of(entry.recorded.event)
    if note_id is None:
        return None
    return f'"{words[note_id]}"' if note_id in words else _ERASED


def print_entry(console: Console, entry: TimelineLine) -> None:
    """Print one entry beside its time."""
    at = entry.recorded.recorded_at
    if entry.pause:
        print_beside(console, Text(" " * MARGIN), entry.pause)
    since = _since(entry.since_previous)
    print_beside(console, Text.assemble(f"{at:%H:%M:%S}", (f"{since:>14}  ", "cyan")), _signed(entry))


def print_beside(console: Console, margin: Text, sentence: str, style: str = "") -> None:
    """Print a sentence beside its margin, wrapped and aligned."""
    first, *others = textwrap.wrap(
        sentence, max(min(console.width, STORY_WIDTH) - MARGIN, 40), break_on_hyphens=False
    )
    console.print(margin + Text(first, style), soft_wrap=True)
    for line in others:
        console.print(Text(" " * MARGIN) + Text(line, style), soft_wrap=True)


def _since(span: timedelta | None) -> str:
    """The time since the previous event.

    Events of one commit share their time.
    """
    if span is None:
        return ""
    return f"+{duration_text(span)}" if span else "at once"


def _signed(entry: TimelineLine) -> str:
    """The sentence and its actor.

    The actor is left out if it is the shop itself or the sentence names it.
    """
    actor = entry.recorded.actor
    if actor == "worker" or entry.who.lower() in entry.text.lower():
        return entry.text
    return f"{entry.text} ({'by' if actor.startswith('person:') else 'reported by'} {entry.who})"
