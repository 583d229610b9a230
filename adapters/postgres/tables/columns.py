"""Columns that several tables share."""

from typing import Any

from sqlalchemy import (
    Column,
    DateTime,
    FetchedValue,
    MetaData,
    func,
)
from sqlalchemy.types import UserDefinedType

metadata = MetaData()


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in SQL."""
        return "xid8"


def moment(name: str, *, nullable: bool = True, primary_key: bool = False) -> Column[object]:
    """Return a ``timestamptz`` column."""
    return Column(name, DateTime(timezone=True), nullable=nullable, primary_key=primary_key)


def touched() -> Column[object]:
    """Return ``updated_at``, which a trigger sets on every write."""
    return Column(
        "updated_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
        server_onupdate=FetchedValue(),
    )


def created() -> Column[object]:
    """Return ``created_at``, set on insert."""
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())
