"""Decode rows of the reactions table; upcast arguments of older versions."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec

from domain.order.reactions import REACTION_TYPES, Reaction
from domain.ports.unit_of_work import UnreadableReactionError

#: Converts the arguments stored under a kind and version to those of the next version.
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}

KINDS: dict[str, type[Reaction]] = {kind.__name__: kind for kind in REACTION_TYPES}
DONE_ONCE_KINDS = [name for name, kind in KINDS.items() if kind.is_done_once]
STARTING_KINDS = [name for name, kind in KINDS.items() if kind.starts_prediction]
FOLLOWING_KINDS = [name for name, kind in KINDS.items() if kind.follows_prediction]


def sql_list(kinds: Iterable[str]) -> str:
    """Kinds as an SQL list for ``IN``.

    They are our own class names, so they need no quoting.
    """
    return ", ".join(f"'{kind}'" for kind in kinds)


def version_of(kind: str, upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS) -> int:
    """The arguments version that this program writes for a kind.

    It is one more than the number of the kind's upcasters.
    """
    return 1 + sum(name == kind for name, _ in upcasters)


def reaction_of(
    reaction_id: UUID,
    kind: str,
    version: int,
    arguments: dict[str, Any],
    upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
) -> Reaction:
    """The reaction in a row of any known version.

    Raises UnreadableReactionError.
    """
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
    """Whether this program can decode a row."""
    try:
        reaction_of(row.reaction_id, row.kind, row.arguments_version, row.arguments)
    except UnreadableReactionError:
        return False
    return True


def readable(rows: Iterable[Any]) -> Iterator[tuple[Any, Reaction]]:
    """The rows with their reactions.

    A row that cannot be decoded is logged and left out; the others are not affected.
    """
    for row in rows:
        try:
            yield row, reaction_of(row.reaction_id, row.kind, row.arguments_version, row.arguments)
        except UnreadableReactionError as error:
            import structlog  # noqa: PLC0415 -- takes a tenth of the start of a command that needs no log

            structlog.get_logger(__name__).error(
                "reaction_unreadable",
                reaction_id=str(error.reaction_id),
                kind=row.kind,
                version=error.version,
            )
