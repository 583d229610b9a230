"""Entries of providers' lists, parsed one by one."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from adapters.webhooks.fields import plain_code
from domain.ports.provider_listings import TakeUnreadable, UnreadableEntry

Raw = TypeVar("Raw")
Read = TypeVar("Read")


def entries_read(
    entries: Iterable[Raw],
    read: Callable[[Raw], Read],
    *,
    provider: str,
    kind: str,
    id_field: str = "id",
    unreadable: TakeUnreadable,
) -> Iterator[Read]:
    """Yield the entries that can be parsed; pass the others to ``unreadable``."""
    for entry in entries:
        try:
            found = read(entry)
        except (msgspec.MsgspecError, ValueError) as error:
            entry_error = UnreadableEntry(
                provider=provider, kind=kind, entry_id=_id_of(entry, id_field), detail=_shape(error)
            )
            unreadable(entry_error)
        else:
            yield found


def _id_of(entry: object, field: str) -> str | None:
    """Return the entry's id, even if another field cannot be decoded."""
    if isinstance(entry, msgspec.Raw):
        try:
            raw = msgspec.json.decode(entry, type=dict[str, msgspec.Raw]).get(field)
            found = msgspec.json.decode(raw, type=str) if raw is not None else None
        except (msgspec.MsgspecError, ValueError):
            return None
    else:
        found = entry.get(field) if isinstance(entry, dict) else None
    return plain_code(found) if isinstance(found, str) else None


def _shape(error: Exception) -> str:
    """Describe a parsing error without values.

    Msgspec's messages have types and paths only; other errors may quote values.
    """
    return str(error) if isinstance(error, msgspec.MsgspecError) else type(error).__name__
