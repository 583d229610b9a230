"""Conversion of rows to dataclasses whose fields are named as the columns."""

from typing import Any, TypeVar

import msgspec
from sqlalchemy import Row

T = TypeVar("T")


def object_of(row: Row[*tuple[Any, ...]], kind: type[T], **more: object) -> T:
    """Return a row as an object; ``more`` are fields without a column."""
    columns = {str(name): value for name, value in row._asdict().items()}
    return msgspec.convert(columns | more, kind)
