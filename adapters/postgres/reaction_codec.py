"""What a row of the reactions table says: its arguments are versioned, and old ones are upcast."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
import structlog

from domain.order.reactions import REACTION_TYPES, Reaction
from domain.ports.unit_of_work import UnreadableReactionError

_log = structlog.get_logger(__name__)

#: What turns the arguments stored under a kind and version into those of the next version.
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}

KINDS: dict[str, type[Reaction]] = {kind.__name__: kind for kind in REACTION_TYPES}
DONE_ONCE_KINDS = [name for name, kind in KINDS.items() if kind.is_done_once]
STARTING_KINDS = [name for name, kind in KINDS.items() if kind.starts_prediction]
FOLLOWING_KINDS = [name for name, kind in KINDS.items() if kind.follows_prediction]


def sql_list(kinds: Iterable[str]) -> str:
    """Kinds as the list of an SQL ``IN``; they are our own class names, so nothing needs quoting."""
    return ", ".join(f"'{kind}'" for kind in kinds)


def version_of(kind: str, upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS) -> int:
    """The version this program writes of a kind: one more than it has upcasters for."""
    return 1 + sum(name == kind for name, _ in upcasters)


def reaction_of(
    reaction_id: UUID,
    kind: str,
    version: int,
    arguments: dict[str, Any],
    upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
) -> Reaction:
    """The reaction a row holds, whatever version wrote it; raises UnreadableReactionError."""
    current = version_of(kind, upcasters)
    if kind not in KINDS or not 1 <= version <= current:
        raise UnreadableReactionError(reaction_id, kind, version)
    try:
        for older in range(version, current):
            arguments = upcasters[kind, older](arguments)
        return msgspec.convert(arguments, KINDS[kind])
    except (msgspec.ValidationError, LookupError, TypeError) as error:
        raise UnreadableReactionError(reaction_id, kind, version) from error


def is_readable(row: Any) -> bool:
    """Whether this program can read what a row holds."""
    try:
        reaction_of(row.reaction_id, row.kind, row.arguments_version, row.arguments)
    except UnreadableReactionError:
        return False
    return True


def readable(rows: Iterable[Any]) -> Iterator[tuple[Any, Reaction]]:
    """Rows with their reactions; one that cannot be read is logged and left out, and stops no other."""
    for row in rows:
        try:
            yield row, reaction_of(row.reaction_id, row.kind, row.arguments_version, row.arguments)
        except UnreadableReactionError as error:
            _log.error(
                "reaction_unreadable",
                reaction_id=str(error.reaction_id),
                kind=row.kind,
                version=error.version,
            )
