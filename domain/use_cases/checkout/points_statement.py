"""A customer's points, for staff."""

from dataclasses import dataclass
from typing import Protocol

from domain.ports.points_balances import PointsLine
from domain.ports.unit_of_work import HasPersonalData, HasPointsBalances
from domain.referral_program import as_shown
from domain.use_cases.privacy.unknown_customer import UnknownCustomerError


class PointsStatementRepositories(HasPersonalData, HasPointsBalances, Protocol):
    """The repositories of a points statement."""


@dataclass(frozen=True, kw_only=True)
class PointsStatement:
    """A customer's points for staff, without the code that spends them."""

    referral_code: str
    balance: int
    lines: tuple[PointsLine, ...]


def statement(transaction: PointsStatementRepositories, email: str) -> PointsStatement:
    """The points of the customer with this e-mail address; raises UnknownCustomerError."""
    customer = transaction.personal_data.find(email)
    if customer is None:
        raise UnknownCustomerError(email)
    return PointsStatement(
        referral_code=as_shown(customer.referral_code),
        balance=transaction.points_balances.balance(customer.customer_id),
        lines=tuple(transaction.points_balances.lines(customer.customer_id)),
    )
