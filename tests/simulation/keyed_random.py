"""Randomness keyed by place: no draw depends on a draw elsewhere."""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")

#: The size of a UUID.
_BYTES = 16
_SPAN = 1 << (8 * _BYTES)


class KeyedRandom:
    """Draws from a seed and a place's name; deterministic on every machine."""

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(16, "big")
        self._counts: Counter[str] = Counter()

    def at(self, place: str) -> float:
        """Draw a number x, 0 <= x < 1."""
        return self._whole(place) / _SPAN

    def between(self, place: str, least: float, most: float) -> float:
        """Draw a number from ``least`` up to ``most``, uniformly."""
        return least + (most - least) * self.at(place)

    def one_of(self, place: str, things: Sequence[T]) -> T:
        """Draw one of a sequence, uniformly."""
        return things[self._whole(place) % len(things)]

    def favourite(self, place: str, things: Mapping[str, T]) -> T:
        """Draw one of several named things, uniformly.

        The draw stays the same when others of them are left out.
        """
        return things[max(things, key=lambda name: self._whole(f"{place} {name}"))]

    def uuid(self, place: str) -> UUID:
        """Draw an id, with the version and variant of a random UUID."""
        return UUID(bytes=self._digest(place), version=4)

    def shares(self, place: str) -> bytes:
        """Draw thirty-two independent bytes, for a place with many draws at once."""
        return blake2b(place.encode(), key=self._key, digest_size=32).digest()

    def numbered(self, place: str) -> str:
        """Name a place with the number of times it was reached: ``place#3``."""
        self._counts[place] += 1
        return f"{place}#{self._counts[place]}"

    def _whole(self, place: str) -> int:
        return int.from_bytes(self._digest(place), "big")

    def _digest(self, place: str) -> bytes:
        return blake2b(place.encode(), key=self._key, digest_size=_BYTES).digest()
