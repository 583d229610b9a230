"""Sentences about originals, attempts at the restorer and their results."""

from adapters.localization.formats import duration_text, every, ordinal, size_text
from adapters.localization.labels import FAILURES, actor_name
from adapters.localization.sentences import Sentences
from adapters.localization.status_text import photo_text
from domain.order import events as e
from domain.use_cases.audit.timeline import TimelineEntry


def _images_moved(event: e.ImagesMoved, entry: TimelineEntry) -> str:
    """How many photos were copied and verified."""
    moved, photos = len(event.images), len(entry.after.images)
    which = f"{moved} of {photos} photos {'was' if moved == 1 else 'were'}"
    if moved == photos:
        which = every(photos, "was", "were")
    return f"{which} moved to the order's own place and verified byte for byte."


def _restoration_started(event: e.RestorationStarted, entry: TimelineEntry) -> str:
    """An attempt began, was repeated, or enlarges a result."""
    photo, since = photo_text(entry.before, event.image_id), entry.since_origin
    if entry.is_repeated_start:
        return f"{photo} was handed over once more, because the answer to the first request was lost."
    if entry.before.images[event.image_id].to_enlarge is not None:
        return f"the restored {photo} was handed over to be enlarged ({event.model})."
    if event.attempt == 1:
        return f"{photo} went to the restorer ({event.model})."
    later = f", {duration_text(since)} after the last one failed" if since is not None else ""
    return f"the {ordinal(event.attempt)} attempt to restore {photo} began{later}."


def _attempt_failed(event: e.RestorationAttemptFailed, entry: TimelineEntry) -> str:
    """An attempt failed, after how long, and why."""
    verb = "restore" if entry.before.images[event.image_id].to_enlarge is None else "enlarge"
    attempt = f"The {ordinal(event.attempt)} attempt to {verb} {photo_text(entry.before, event.image_id)}"
    return f"{attempt} failed{_after(entry)}: {FAILURES[event.reason]}."


def _small_result_stored(event: e.SmallResultStored, entry: TimelineEntry) -> str:
    """A result came that is enlarged next."""
    photo = photo_text(entry.before, event.image_id)
    return f"{photo} came back restored, smaller than the original ({_pixels(event)}): it goes on to be enlarged."


def _restoration_completed(event: e.RestorationCompleted, entry: TimelineEntry) -> str:
    """A result was stored, how large, and whether it was the last."""
    photo, after = photo_text(entry.before, event.image_id), entry.after
    picture = f"{_pixels(event)}, {size_text(event.restored.size_bytes)}"
    if small := entry.before.images[event.image_id].to_enlarge:
        is_small = small.prediction_id == event.prediction_id
        what = "could not be enlarged and stays as it was restored" if is_small else "was enlarged"
        return f"{photo} {what} ({picture})."
    is_last = after.every_image_is_settled and len(after.images) > 1
    return (
        f"{photo} came back restored{_after(entry)} ({picture}){', the last one to come' if is_last else ''}."
    )


def _restoration_failed(event: e.RestorationFailed, entry: TimelineEntry) -> str:
    """A photo was given up, and what is owed for it."""
    share = entry.after.images[event.image_id].share
    owed = f" Its share of {share} is owed to the customer." if share.amount else ""
    return f"{photo_text(entry.before, event.image_id)} was given up: {FAILURES[event.reason]}.{owed}"


def _redo_requested(event: e.RedoRequested, entry: TimelineEntry) -> str:
    """Who asked for another attempt at a delivered photo."""
    by = "The customer" if event.by_customer else actor_name(entry.recorded.actor, entry)
    photo = photo_text(entry.before, event.image_id)
    return f"{by} asked for another attempt at {photo}; its first result is kept."


def _redo_failed(event: e.RedoFailed, entry: TimelineEntry) -> str:
    """Another attempt brought no result."""
    photo = photo_text(entry.before, event.image_id)
    return f"another attempt at {photo} brought nothing ({FAILURES[event.reason]}): its result stays."


def _after(entry: TimelineEntry) -> str:
    return f" after {duration_text(entry.since_origin)}" if entry.since_origin is not None else ""


def _pixels(event: e.SmallResultStored | e.RestorationCompleted) -> str:
    """The pixels of a result, and of its original if known."""
    result = f"{event.width} x {event.height} pixels"
    if event.original_width is None:
        return result
    return f"{result}; the original has {event.original_width} x {event.original_height}"


SENTENCES: Sentences = {
    e.ImagesMoved: _images_moved,
    e.RestorationStarted: _restoration_started,
    e.RestorationAttemptFailed: _attempt_failed,
    e.SmallResultStored: _small_result_stored,
    e.RestorationCompleted: _restoration_completed,
    e.RestorationFailed: _restoration_failed,
    e.RedoRequested: _redo_requested,
    e.RedoFailed: _redo_failed,
}
