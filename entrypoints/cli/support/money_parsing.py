"""Parsing of typed amounts, such as 4.90, in an order's currency.

The fraction has at most as many digits as the currency's minor unit.
"""

import re
from dataclasses import replace
from decimal import Decimal

from domain.order.values import Money
from entrypoints.command_errors import MisuseError

#: More digits than the price of any order; a longer number is a typing error.
_LONGEST = 12


class NoAmountError(MisuseError):
    """The text is no amount of the order's currency."""

    def __init__(self, words: str, like: Money) -> None:
        self.words = words
        example = Money(amount=490, currency=like.currency).rounded_down
        super().__init__(f"{words!r} is no amount in {like.currency}: write it like {example.major:f}.")


class AmountNotPayableError(MisuseError):
    """The amount cannot be paid in the order's currency."""

    def __init__(self, amount: Money) -> None:
        self.amount = amount
        below = amount.rounded_down
        above = replace(below, amount=below.amount + below.step)
        super().__init__(f"{amount} cannot be paid: write {below.major:f} or {above.major:f}.")


def amount_of(words: str, like: Money) -> Money:
    """Parse an amount in the currency of ``like``.

    The decimal separator is a point or a comma; the currency may follow. Raises NoAmountError or AmountNotPayableError.
    """
    digits = like.minor_digits
    fraction = rf"(?:[.,](\d{{1,{digits}}}))?" if digits else ""
    found = re.fullmatch(
        rf"(\d{{1,{_LONGEST}}}){fraction}(?:\s*{like.currency})?", words.strip(), re.ASCII | re.IGNORECASE
    )
    if found is None:
        raise NoAmountError(words, like)
    behind = (found[2] if digits else None) or "0"
    amount = replace(like, amount=int(Decimal(f"{found[1]}.{behind}").scaleb(digits)))
    if not amount.is_payable:
        raise AmountNotPayableError(amount)
    return amount
