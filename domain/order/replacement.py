"""Make values without their constructor, and copies with some fields changed.

A frozen dataclass's constructor sets each field through ``object.__setattr__``, which took half of the time of a fold.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

__all__ = ["amend", "made", "replace"]

P = ParamSpec("P")
T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import replace  # types are checked as there

    def made(kind: Callable[P, T], *args: P.args, **fields: P.kwargs) -> T:
        """Types are checked as those of the constructor."""
else:

    def made(kind: type[T], **fields: Any) -> T:
        """Make a dataclass of all its fields, without its constructor."""
        value = object.__new__(kind)
        value.__dict__.update(fields)
        return value

    def replace(value: T, /, **changes: Any) -> T:
        """Copy a dataclass without ``__post_init__``, slots or cached properties."""
        copy = object.__new__(type(value))
        copy.__dict__.update(value.__dict__)
        copy.__dict__.update(changes)
        return copy


def amend(copy: T, **changes: Any) -> T:
    """Change a copy in place; its maker alone may have it yet."""
    copy.__dict__.update(changes)
    return copy
