"""Referrals and points: terms, discounts and codes."""

import hashlib
from dataclasses import dataclass
from math import gcd

from domain.order.values import CustomerId, Money

#: Crockford's alphabet, without I, L, O and U, so that a code can be dictated.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BITS = 5
_MISHEARD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_GROUP = 4

REFERRAL_CODE_LENGTH = 8
#: The part of a points code that proves its ownership: 80 bits, too many to guess.
PROOF_LENGTH = 16
#: Longer than any code, hyphens and spaces included.
LONGEST_CODE = 64

#: Of a million customers, about two find their first code given to another customer; none finds all four given.
_PROPOSALS = 4


@dataclass(frozen=True, kw_only=True)
class Spending:
    """Points spent as a discount on one payment, and their owner."""

    customer_id: CustomerId
    points: int
    discount: Money


@dataclass(frozen=True, kw_only=True)
class ReferralTerms:
    """The owner's terms for referrals and points.

    Amounts are in minor units of the prices' currency.
    """

    referral_points: int = 100  # credited to each side; 0 switches referrals off
    point_value: int = 1
    smallest_payment: int = 50  # providers accept no smaller payment, except none

    @property
    def takes_referrals(self) -> bool:
        """Whether referrals are switched on."""
        return self.referral_points > 0

    def worth(self, points: int, currency: str) -> Money:
        """The discount that points are worth, rounded down to a payable amount.

        A negative balance is worth nothing.
        """
        return Money(amount=max(points, 0) * self.point_value, currency=currency).rounded_down

    def spending(self, customer_id: CustomerId, available: int, quoted: Money) -> Spending | None:
        """As many available points as the price allows; None if none.

        The remaining price is zero or at least ``smallest_payment``.
        """
        points = self._payable(min(available, quoted.amount // self.point_value), quoted.step)
        if 0 < quoted.amount - points * self.point_value < self.smallest_payment:
            most = (quoted.amount - self.smallest_payment) // self.point_value
            points = self._payable(min(points, most), quoted.step)
        if points <= 0:
            return None
        return Spending(customer_id=customer_id, points=points, discount=self.worth(points, quoted.currency))

    def _payable(self, points: int, step: int) -> int:
        """The most of these points that are worth a payable amount."""
        return points - points % (step // gcd(step, self.point_value))


def referral_codes_of(customer_id: CustomerId) -> tuple[str, ...]:
    """A customer's possible referral codes; the first unused one is given."""
    return tuple(
        spoken(hashlib.sha256(f"referral:{customer_id}:{proposal}".encode()).digest(), REFERRAL_CODE_LENGTH)
        for proposal in range(_PROPOSALS)
    )


def spoken(digest: bytes, length: int) -> str:
    """The first ``length`` characters of a digest in ``_ALPHABET``."""
    number = int.from_bytes(digest) >> (8 * len(digest) - _BITS * length)
    return "".join(_ALPHABET[number >> _BITS * place & 31] for place in reversed(range(length)))


def as_typed(code: str) -> str:
    """A typed code in its stored form.

    Case, hyphens and spaces are ignored, and an O is read as 0, an I or L as 1.
    """
    return code.upper().translate(_MISHEARD)


def is_referral_code(code: str) -> bool:
    """Whether a code in stored form looks like a referral code."""
    return len(code) == REFERRAL_CODE_LENGTH and set(code) <= set(_ALPHABET)


def as_shown(code: str) -> str:
    """A code in groups of four: ``7QK2-M9XD``."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def mailbox_of(email: str) -> str:
    """The mailbox of an address: case and ``+tag`` are ignored.

    Dots are kept: ``a.b`` and ``ab`` are one mailbox at Gmail, but two customers nearly everywhere else.
    """
    name, _, host = email.strip().casefold().rpartition("@")
    return f"{name.partition('+')[0]}@{host}"
