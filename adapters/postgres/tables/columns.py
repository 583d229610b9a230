"""What every table's columns are made of."""

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
        """The type's name in SQL."""
        return "xid8"


def moment(name: str, *, nullable: bool = True, primary_key: bool = False) -> Column[object]:
    """A point in time, with its zone."""
    return Column(name, DateTime(timezone=True), nullable=nullable, primary_key=primary_key)


def touched() -> Column[object]:
    """When the row was written last; a trigger keeps it, so it tells about the row, not about the shop."""
    return Column(
        "updated_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
        server_onupdate=FetchedValue(),
    )


def created() -> Column[object]:
    """When the row was written first."""
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())
