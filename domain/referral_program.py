"""Referrals and points: what a recommendation brings, what points are worth, and the codes that tell who is who."""

import hashlib
from dataclasses import dataclass
from math import gcd

from domain.order.values import CustomerId, Money

#: Crockford's alphabet: no I, L, O and U, so that a code survives being read aloud.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BITS = 5
_MISHEARD = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_GROUP = 4

REFERRAL_CODE_LENGTH = 8
#: The part of a points code that proves it: 80 bits, which nobody finds by trying.
PROOF_LENGTH = 16
#: More than any code has, hyphens and spaces included.
LONGEST_CODE = 64

#: Of a million customers some two may want a code that is somebody's already; none will four times over.
_PROPOSALS = 4


@dataclass(frozen=True, kw_only=True)
class Spending:
    """Points that become a discount on one payment, and whose they are."""

    customer_id: CustomerId
    points: int
    discount: Money


@dataclass(frozen=True, kw_only=True)
class ReferralTerms:
    """What the owner of the shop gives for a recommendation; amounts are minor units of the prices' currency."""

    referral_points: int = 100  # to each side; 0 switches referrals off
    point_value: int = 1
    smallest_payment: int = 50  # what is less, and not nothing, no provider takes

    @property
    def takes_referrals(self) -> bool:
        """Whether a recommendation brings anything."""
        return self.referral_points > 0

    def worth(self, points: int, currency: str) -> Money:
        """What points take off a price, in amounts that can be paid; a debt of points is worth nothing."""
        return Money(amount=max(points, 0) * self.point_value, currency=currency).rounded_down

    def spending(self, customer_id: CustomerId, available: int, quoted: Money) -> Spending | None:
        """As many of the available points as a price can take; none if that is none.

        What is left to pay is nothing, or enough to be paid.
        """
        points = self._payable(min(available, quoted.amount // self.point_value), quoted.step)
        if 0 < quoted.amount - points * self.point_value < self.smallest_payment:
            most = (quoted.amount - self.smallest_payment) // self.point_value
            points = self._payable(min(points, most), quoted.step)
        if points <= 0:
            return None
        return Spending(customer_id=customer_id, points=points, discount=self.worth(points, quoted.currency))

    def _payable(self, points: int, step: int) -> int:
        """As many of the points as are worth a multiple of the currency's step."""
        return points - points % (step // gcd(step, self.point_value))


def referral_codes_of(customer_id: CustomerId) -> tuple[str, ...]:
    """The codes that a customer may get: the first one that is nobody else's."""
    return tuple(
        spoken(hashlib.sha256(f"referral:{customer_id}:{proposal}".encode()).digest(), REFERRAL_CODE_LENGTH)
        for proposal in range(_PROPOSALS)
    )


def spoken(digest: bytes, length: int) -> str:
    """The beginning of a digest in letters and digits that can be told over the telephone."""
    number = int.from_bytes(digest) >> (8 * len(digest) - _BITS * length)
    return "".join(_ALPHABET[number >> _BITS * place & 31] for place in reversed(range(length)))


def as_typed(code: str) -> str:
    """A code as the books keep it, however a person typed it: in small letters, with hyphens, with an O for a 0."""
    return code.upper().translate(_MISHEARD)


def is_referral_code(code: str) -> bool:
    """Whether somebody could have this code, as the books keep it."""
    return len(code) == REFERRAL_CODE_LENGTH and set(code) <= set(_ALPHABET)


def as_shown(code: str) -> str:
    """A code as people read it, in groups of four: ``7QK2-M9XD``."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def mailbox_of(email: str) -> str:
    """Where mail to an address ends up, as far as every provider agrees: without regard to case and ``+tag``.

    Dots stay, because ``a.b`` and ``ab`` are one mailbox at Gmail and two persons nearly everywhere else.
    """
    name, _, host = email.strip().casefold().rpartition("@")
    return f"{name.partition('+')[0]}@{host}"
