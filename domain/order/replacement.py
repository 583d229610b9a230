"""Make values without their constructor, and copies with some fields changed.

A frozen dataclass's constructor sets each field through ``object.__setattr__``, which took half of the time of a fold.
Default mappings are shared: those of a frozen value never change.
"""

from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

__all__ = ["amend", "made", "replace", "with_defaults"]

P = ParamSpec("P")
T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import replace  # types are checked as there

    amend = replace

    def made(kind: Callable[P, T], /, *args: P.args, **fields: P.kwargs) -> T:
        """Types are checked as those of the constructor."""

    with_defaults = made
else:
    _new, _set = object.__new__, object.__setattr__

    def made(kind: type[T], /, **values: Any) -> T:
        """Make a dataclass of all its fields, without its constructor."""
        value = _new(kind)
        _set(value, "__dict__", values)
        return value

    def with_defaults(kind: type[T], /, **values: Any) -> T:
        """Make a dataclass likewise, of its defaults and some fields."""
        return made(kind, **(_defaults(kind) | values))

    @cache
    def _defaults(kind: type) -> dict[str, Any]:
        made_anew = {f.name: f.default_factory() for f in fields(kind) if f.default_factory is not MISSING}
        return made_anew | {f.name: f.default for f in fields(kind) if f.default is not MISSING}

    def replace(value: T, /, **changes: Any) -> T:
        """Copy a dataclass without ``__post_init__``, slots or cached properties."""
        copy = _new(type(value))
        _set(copy, "__dict__", value.__dict__ | changes)
        return copy

    def amend(draft: T, /, **changes: Any) -> T:
        """Change a copy in place; its maker alone may have it yet."""
        draft.__dict__.update(changes)
        return draft
