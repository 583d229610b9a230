"""Customers, and the daily counter of order numbers."""

import sys
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select, text
from sqlalchemy.exc import IntegrityError

from adapters.postgres.driver_sql import execute
from adapters.postgres.json_rows import as_json
from adapters.postgres.row_objects import object_of
from adapters.postgres.tables import customers
from domain.order.values import CustomerId, OrderNumber
from domain.ports.customers import Customer, Customers, Payer
from domain.referral_program import referral_codes_of

#: Two transactions that insert the same referral code at the same moment conflict, and one payment is retried. All
#: locks have one order: known customers by id, new ones by address, then the counter, whose row stays locked
#: until the transaction ends, which keeps numbers gap-free.
_RECEIVE = """WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:payers AS jsonb))
            AS payer (place integer, customer_id uuid, email text, name text, locale text, phone text,
                metadata jsonb, codes jsonb)
    ), known AS (
        INSERT INTO customers (customer_id, email, name, locale, phone, metadata, referral_code)
        SELECT given.customer_id, given.email, given.name, given.locale, given.phone, given.metadata, (
            SELECT code FROM jsonb_array_elements_text(codes) WITH ORDINALITY AS proposed (code, place)
            WHERE NOT EXISTS (SELECT FROM customers WHERE referral_code = code)
            ORDER BY proposed.place LIMIT 1
        )
        FROM given LEFT JOIN customers AS old ON lower(old.email) = lower(given.email)
        ORDER BY old.customer_id NULLS LAST, lower(given.email)
        ON CONFLICT (lower(email)) DO UPDATE
            SET name = coalesce(EXCLUDED.name, customers.name),
                locale = coalesce(EXCLUDED.locale, customers.locale),
                phone = coalesce(EXCLUDED.phone, customers.phone),
                metadata = customers.metadata || EXCLUDED.metadata
        RETURNING customer_id, email
    ), counted AS (
        INSERT INTO order_numbers (day, last_number)
        SELECT CAST(:day AS date), CAST(:numbers AS integer) FROM (SELECT count(*) FROM known) AS all_known
        WHERE CAST(:numbers AS integer) > 0
        ON CONFLICT (day) DO UPDATE SET last_number = order_numbers.last_number + EXCLUDED.last_number
        RETURNING last_number
    )
    SELECT known.customer_id, (SELECT last_number FROM counted) AS last_number
    FROM given JOIN known ON lower(known.email) = lower(given.email) ORDER BY given.place"""
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

    def receive_all(self, payers: Sequence[Payer], day: date) -> Sequence[tuple[CustomerId, OrderNumber]]:
        given = [
            {
                "place": place,
                "customer_id": payer.customer_id,
                "email": payer.email,
                "name": payer.name,
                "locale": payer.locale,
                "phone": payer.phone,
                "metadata": dict(payer.metadata),
                "codes": list(referral_codes_of(payer.customer_id)),
            }
            for place, payer in enumerate(payers)
        ]
        new = sum(payer.number is None for payer in payers)
        rows = execute(
            self._connection, _RECEIVE, {"payers": as_json(given), "day": day, "numbers": new}
        ).fetchall()
        numbers = iter(range((rows[0].last_number or 0) - new + 1 if rows else 0, sys.maxsize))
        return [
            (
                CustomerId(row.customer_id),
                payer.number or OrderNumber(f"{day:%Y%m%d}-{next(numbers):06}"),
            )
            for payer, row in zip(payers, rows, strict=True)
        ]

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
