"""Customers in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from domain.order.values import CustomerId, OrderNumber
from domain.ports.customers import Customer, Customers, Payer
from domain.referral_program import referral_codes_of
from tests.doubles.tables import Tables, hold


class InMemoryCustomers(Customers):
    """Customers, unique by case-insensitive address, and the counter of orders."""

    def __init__(self, pages: Tables) -> None:
        self._pages = pages

    def receive_all(self, payers: Sequence[Payer], day: date) -> Sequence[tuple[CustomerId, OrderNumber]]:
        return [self._receive(payer, day) for payer in payers]

    def _receive(self, payer: Payer, day: date) -> tuple[CustomerId, OrderNumber]:
        customer_id, email, name, locale = payer.customer_id, payer.email, payer.name, payer.locale
        customers = self._pages.customers
        known = next((c for c in customers.values() if c.email.lower() == email.lower()), None)
        if known is None:
            taken = {each.referral_code for each in customers.values()}
            code = next(each for each in referral_codes_of(customer_id) if each not in taken)
            known = Customer(
                customer_id=customer_id, email=email, name=name, locale=locale, referral_code=code
            )
        customers[known.customer_id] = replace(
            known,
            name=name or known.name,
            locale=locale or known.locale,
            phone=payer.phone or known.phone,
            metadata={**known.metadata, **payer.metadata},
        )
        if payer.number is not None:
            return known.customer_id, payer.number
        count = self._pages.last_numbers[day] = self._pages.last_numbers.get(day, 0) + 1
        return known.customer_id, OrderNumber(f"{day:%Y%m%d}-{count:06}")

    def find(self, customer_id: CustomerId, *, lock: bool = False) -> Customer | None:
        found = self._pages.customers.get(customer_id)
        if found is not None and lock:
            hold(self._pages.customers, customer_id)
        return found

    def find_by_referral_code(self, code: str, *, lock: bool = False) -> Customer | None:
        found = next((one for one in self._pages.customers.values() if one.referral_code == code), None)
        if found is not None and lock:
            hold(self._pages.customers, found.customer_id)
        return found

    def change_email(self, customer_id: CustomerId, email: str) -> bool:
        customers = self._pages.customers
        others = (each for each in customers.values() if each.customer_id != customer_id)
        if customer_id not in customers or any(each.email.lower() == email.lower() for each in others):
            return False
        customers[customer_id] = replace(customers[customer_id], email=email)
        return True
