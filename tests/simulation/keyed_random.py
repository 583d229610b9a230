"""Chance that is keyed by place: what is drawn somewhere does not depend on what was drawn anywhere else."""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")

#: As many as a UUID has.
_BYTES = 16
_SPAN = 1 << (8 * _BYTES)


class KeyedRandom:
    """Draws from a seed and the name of a place; the same name gives the same draw, on any machine."""

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(16, "big")
        self._counts: Counter[str] = Counter()

    def at(self, place: str) -> float:
        """A number from 0 up to 1."""
        return self._whole(place) / _SPAN

    def between(self, place: str, least: float, most: float) -> float:
        """A number from ``least`` up to ``most``, small ones as likely as large ones."""
        return least + (most - least) * self.at(place)

    def one_of(self, place: str, things: Sequence[T]) -> T:
        """One of some things, each as likely as the others."""
        return things[self._whole(place) % len(things)]

    def favourite(self, place: str, things: Mapping[str, T]) -> T:
        """One of some named things, each as likely as the others; it stays the same when others are not there."""
        return things[max(things, key=lambda name: self._whole(f"{place} {name}"))]

    def uuid(self, place: str) -> UUID:
        """An id, with the marks of a random one."""
        return UUID(bytes=self._digest(place), version=4)

    def shares(self, place: str) -> bytes:
        """Thirty-two independent bytes, for a place where many things may happen at once."""
        return blake2b(place.encode(), key=self._key, digest_size=32).digest()

    def numbered(self, place: str) -> str:
        """The name of a place with how often it was come to, this time included: ``place#3``."""
        self._counts[place] += 1
        return f"{place}#{self._counts[place]}"

    def _whole(self, place: str) -> int:
        return int.from_bytes(self._digest(place), "big")

    def _digest(self, place: str) -> bytes:
        return blake2b(place.encode(), key=self._key, digest_size=_BYTES).digest()
