"""Customers, and the daily counter of order numbers."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select, text
from sqlalchemy.exc import IntegrityError

from adapters.postgres.driver_sql import execute
from adapters.postgres.row_objects import object_of
from adapters.postgres.tables import customers
from domain.order.values import CustomerId, OrderNumber
from domain.ports.customers import Customer, Customers
from domain.referral_program import referral_codes_of

#: Two transactions that insert the same referral code at the same moment conflict, and one payment is retried. The
#: counter's row stays locked until the transaction ends, which keeps numbers gap-free.
_UPSERT = """INSERT INTO customers (customer_id, email, name, locale, referral_code)
        VALUES (:customer_id, :email, :name, :locale, (
            SELECT code FROM unnest(CAST(:codes AS text[])) WITH ORDINALITY AS proposed (code, place)
            WHERE NOT EXISTS (SELECT FROM customers WHERE referral_code = code)
            ORDER BY place LIMIT 1
        ))
        ON CONFLICT (lower(email)) DO UPDATE
            SET name = coalesce(EXCLUDED.name, customers.name),
                locale = coalesce(EXCLUDED.locale, customers.locale)
        RETURNING customer_id"""
_UPSERT_AND_NUMBER = f"""WITH known AS (
        {_UPSERT}
    ), counted AS (
        INSERT INTO order_numbers (day, last_number) VALUES (:day, 1)
        ON CONFLICT (day) DO UPDATE SET last_number = order_numbers.last_number + 1
        RETURNING last_number
    )
    SELECT known.customer_id, counted.last_number FROM known, counted"""
_BY_ID = select(customers).where(
    customers.c.customer_id == bindparam("customer_id"), customers.c.erased_at.is_(None)
)
_BY_CODE = select(customers).where(customers.c.referral_code == bindparam("code"))
#: With a key-share lock: rows that refer to the customer may be inserted meanwhile.
_BY_ID_LOCKED, _BY_CODE_LOCKED = (query.with_for_update(key_share=True) for query in (_BY_ID, _BY_CODE))
#: The unique index on the address decides which of two concurrent changes succeeds.
_CHANGE_EMAIL = text(
    "UPDATE customers SET email = :email WHERE customer_id = :customer_id AND erased_at IS NULL"
)


class PostgresCustomers(Customers):
    """The customers table on one connection, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def receive(
        self,
        customer_id: CustomerId,
        email: str,
        name: str | None,
        locale: str | None,
        day: date,
        number: OrderNumber | None = None,
    ) -> tuple[CustomerId, OrderNumber]:
        customer = {"customer_id": customer_id, "email": email, "name": name, "locale": locale}
        codes = list(referral_codes_of(customer_id))
        if number is not None:
            [(known,)] = execute(self._connection, _UPSERT, {**customer, "codes": codes})
            return CustomerId(known), number
        [(known, counted)] = execute(
            self._connection, _UPSERT_AND_NUMBER, {**customer, "codes": codes, "day": day}
        )
        return CustomerId(known), OrderNumber(f"{day:%Y%m%d}-{counted:06}")

    def find(self, customer_id: CustomerId, *, lock: bool = False) -> Customer | None:
        return self._one(_BY_ID_LOCKED if lock else _BY_ID, {"customer_id": customer_id})

    def find_by_referral_code(self, code: str, *, lock: bool = False) -> Customer | None:
        return self._one(_BY_CODE_LOCKED if lock else _BY_CODE, {"code": code})

    def _one(self, query: Select[Any], about: Mapping[str, object]) -> Customer | None:
        row = execute(self._connection, query, about).fetchone()
        return customer_of(row) if row is not None else None

    def change_email(self, customer_id: CustomerId, email: str) -> bool:
        """Change the address; see the port.

        A savepoint keeps the transaction usable after a conflict.
        """
        try:
            with self._connection.begin_nested():
                changed = self._connection.execute(
                    _CHANGE_EMAIL, {"customer_id": customer_id, "email": email}
                )
        except IntegrityError:
            return False
        return changed.rowcount == 1


def customer_of(row: Row[Any]) -> Customer:
    """Return the customer in a row of ``customers`` that is not erased."""
    return object_of(row, Customer)
