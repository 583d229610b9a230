"""Prices: a list per photo with volume steps, in one currency."""

from dataclasses import dataclass

from domain.order.values import Money


@dataclass(frozen=True, kw_only=True)
class PriceList:
    """The price of one photo by the number of photos restored together.

    ``steps`` maps a minimum number of photos to the price of each, in minor units; it starts at 1 photo.
    """

    currency: str
    steps: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        counts = [count for count, _ in self.steps]
        if not counts or counts[0] != 1 or counts != sorted(set(counts)):
            raise ValueError("A price list starts at 1 photo and its steps rise: 1:490,10:390.")
        if any(amount < 0 for _, amount in self.steps):
            raise ValueError("A price cannot be negative.")
        for _, amount in self.steps:
            price = Money(amount=amount, currency=self.currency)
            if not price.is_payable:
                below = price.rounded_down.amount
                raise ValueError(
                    f"A price in {self.currency} is a multiple of {price.step} minor units: "
                    f"write {below} or {below + price.step} for {amount}."
                )

    def unit_price(self, photos: int) -> Money:
        """The price of each of ``photos`` photos.

        Raise ValueError for fewer than one.
        """
        if photos < 1:
            raise ValueError("A quote needs at least one photo.")
        amount = next(amount for count, amount in reversed(self.steps) if count <= photos)
        return Money(amount=amount, currency=self.currency)

    def quote(self, photos: int) -> Money:
        """The total price of ``photos`` photos."""
        unit = self.unit_price(photos)
        return Money(amount=unit.amount * photos, currency=unit.currency)
