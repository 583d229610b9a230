"""Amounts as people type them: 4.90, with as many digits behind the point as the currency has."""

import re
from dataclasses import replace
from decimal import Decimal

from domain.order.values import Money
from entrypoints.command_errors import MisuseError

#: More digits than any order costs; what is longer is a slip.
_LONGEST = 12


class NoAmountError(MisuseError):
    """What was typed is no amount of the order's currency."""

    def __init__(self, words: str, like: Money) -> None:
        self.words = words
        example = Money(amount=490, currency=like.currency).rounded_down
        super().__init__(f"{words!r} is no amount in {like.currency}: write it like {example.major:f}.")


class AmountNotPayableError(MisuseError):
    """What was typed is an amount that cannot be paid in the order's currency."""

    def __init__(self, amount: Money) -> None:
        self.amount = amount
        below = amount.rounded_down
        above = replace(below, amount=below.amount + below.step)
        super().__init__(f"{amount} cannot be paid: write {below.major:f} or {above.major:f}.")


def amount_of(words: str, like: Money) -> Money:
    """The amount that somebody typed, in the currency of ``like``; raises NoAmountError or AmountNotPayableError.

    A comma will do for the point, and the currency may stand behind it.
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
