"""Defects of the log in English, for staff and for evidence."""

from collections.abc import Mapping

from domain.order.stream_integrity import BreakReason, StreamBreak
from domain.ports.event_store import UnreadableEvent
from domain.ports.log_defects import DefectKind, LogDefect

#: What is wrong, as the rest of a sentence that begins with the place.
PROBLEMS: Mapping[DefectKind, str] = {
    DefectKind.CONTENTS_CHANGED: "it does not say what was recorded",
    DefectKind.PREDECESSOR_CHANGED: "it was recorded after another event than the one that precedes it now",
    DefectKind.MISSING: "it is missing, though later events of the order are there",
    DefectKind.REPEATED: "there are two of it",
    DefectKind.UNREADABLE: "its transaction is yet to come on this server, "
    "so that a reader of the whole log does not see it",
    DefectKind.UNDECODABLE: "this version of the shop does not know its name, or its fields are not those of its name",
    DefectKind.REMOVED: "it was in the log when the head was stored, and is not any more",
    DefectKind.FORGED: "it, and perhaps what precedes it, is not what was there when the head was stored",
    DefectKind.ADDED: "it was put among events that are older than the head",
    DefectKind.DIFFERENT: "up to the kept head it does not hold the same events in the same order",
}

_BREAKS: Mapping[BreakReason, str] = {
    BreakReason.VERSION_MISSING: "version {version} is missing before it",
    BreakReason.ILLEGAL_MOVE: "an order that is {state} cannot take it",
    BreakReason.UNKNOWN_SUBJECT: "it is about something that the events before it do not know",
}

_COMPARE = "compare the order's stream with a backup, and with what the providers know of it"
_SEARCH = "look for it in a backup, and find out who could delete it"
ADVICE: Mapping[DefectKind, str] = dict.fromkeys(DefectKind, _COMPARE) | {
    DefectKind.MISSING: _SEARCH,
    DefectKind.UNREADABLE: f"if the database was restored from a dump, restore a physical backup; if not, {_COMPARE}",
    DefectKind.UNDECODABLE: f"run the version of the shop that wrote it; if none did, {_COMPARE}",
    DefectKind.REMOVED: f"{_SEARCH}; if a backup older than the head was restored, this is what was lost with it",
    DefectKind.DIFFERENT: "see what is said of single orders; if nothing is, compare txid and position with a backup",
}


def defect_text(found: LogDefect) -> str:
    """A defect with its place, and what to do."""
    return f"{_place(found)}: {PROBLEMS[found.defect]}. What to do: {ADVICE[found.defect]}."


def _place(found: LogDefect) -> str:
    if found.order_id is None:
        return "The log"
    if found.version == found.last_version:
        return f"Order {found.order_id}, version {found.version}"
    return f"Order {found.order_id}, each version from {found.version} to {found.last_version}"


def defect_of_order_text(found: LogDefect) -> str:
    """A defect of one order's own chain, for strangers."""
    if found.version is None or found.version == found.last_version:
        place = f"Event {found.version} of the order"
    else:
        place = f"Each event of the order from {found.version} to {found.last_version}"
    behind = ", and what follows it is not shown here" if found.defect is DefectKind.MISSING else ""
    return f"{place}: {PROBLEMS[found.defect]}{behind}."


def stream_break_text(found: StreamBreak | UnreadableEvent) -> str:
    """Where and why a stream cannot be folded."""
    match found:
        case StreamBreak(recorded=recorded, why=why, before=before):
            name, version = type(recorded.event).__name__, recorded.version
            detail = _BREAKS[why].format(version=before.version + 1, state=before.state)
        case UnreadableEvent():
            name, version, detail = found.stored_name, found.version, found.detail
    return f"The stream cannot be followed past {name}, version {version}: {detail}."
