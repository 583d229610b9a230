"""Connected regions of a mask."""

import re
from collections import defaultdict
from collections.abc import Iterable

from PIL import Image

from sandbox.restoration.pixels import Mask

#: A part of a row: where it begins and ends (exclusive) among all pixels, counted row by row.
Run = tuple[int, int]
Region = list[Run]

_RUN = re.compile(rb"[^\0]+")


def regions(mask: Mask) -> list[Region]:
    """Return the regions of pixels that touch by sides or corners."""
    pixels, width = mask.tobytes(), mask.width
    runs: list[Run] = []
    parents: list[int] = []
    above = range(0)
    for row in range(mask.height):
        near, first = above.start, len(runs)
        for found in _RUN.finditer(pixels, row * width, (row + 1) * width):
            start, end = found.span()
            parents.append(len(runs))
            runs.append((start, end))
            while near < above.stop and runs[near][1] + width < start:
                near += 1
            touched = near
            while touched < above.stop and runs[touched][0] + width <= end:
                parents[_root(parents, touched)] = _root(parents, len(runs) - 1)
                touched += 1
        above = range(first, len(runs))
    found_regions: dict[int, Region] = defaultdict(list)
    for number, run in enumerate(runs):
        found_regions[_root(parents, number)].append(run)
    return list(found_regions.values())


def box(region: Region, width: int) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom (exclusive), by the mask's width."""
    starts = [start % width for start, _ in region]
    ends = [(end - 1) % width + 1 for _, end in region]
    return min(starts), region[0][0] // width, max(ends), region[-1][0] // width + 1


def area(region: Region) -> int:
    """Return the number of pixels."""
    return sum(end - start for start, end in region)


def total(region: Region, pixels: bytes) -> int:
    """Return the sum of a plane's pixels in the region."""
    return sum(sum(pixels[start:end]) for start, end in region)


def drawn(found: Iterable[Region], size: tuple[int, int]) -> Mask:
    """Return the mask of these regions."""
    pixels = bytearray(size[0] * size[1])
    for region in found:
        for start, end in region:
            pixels[start:end] = b"\xff" * (end - start)
    return Image.frombytes("L", size, bytes(pixels))


def _root(parents: list[int], number: int) -> int:
    while parents[number] != number:
        parents[number] = number = parents[parents[number]]
    return number
