"""The scans of a JPEG file, by its headers (ITU T.81)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from adapters.images.metadata_stripping import JPEG_MARKER

_START_OF_SCAN = 0xDA
_RESTART_INTERVAL = 0xDD
#: Frame markers without the tables and extensions between them.
_STARTS_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_HUFFMAN_SEQUENTIAL = frozenset({0xC0, 0xC1})
_PROGRESSIVE = frozenset({0xC2, 0xCA})
#: Huffman and arithmetic codes; the others are lossless or hierarchical.
_SUPPORTED = _HUFFMAN_SEQUENTIAL | _PROGRESSIVE | {0xC9}
_FILL = 0xFF
_BLOCK = 8
_COEFFICIENTS = 64

_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
#: Markers at which decoders stop reading a scan's data, with and without restart intervals.
_STOP = {
    True: re.compile(rb"\xff[^\x00\xd0-\xd7\xff]"),
    False: re.compile(rb"\xff[^\x00\xff]"),
}


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The picture that the scans draw, with its components' sampling factors."""

    code: int
    width: int
    height: int
    ids: bytes
    factors: tuple[tuple[int, int], ...]

    @property
    def is_progressive(self) -> bool:
        return self.code in _PROGRESSIVE

    @property
    def is_huffman_sequential(self) -> bool:
        return self.code in _HUFFMAN_SEQUENTIAL

    @property
    def most(self) -> tuple[int, int]:
        """The largest sampling factors."""
        return max(h for h, _ in self.factors), max(v for _, v in self.factors)

    def indices(self, selected: bytes) -> tuple[int, ...] | None:
        """Return the components with these ids; None if one is unknown.

        Several components may have the same id; decoders take them in order.
        """
        found: list[int] = []
        for wanted in selected:
            at = next((at for at, each in enumerate(self.ids) if each == wanted and at not in found), None)
            if at is None:
                return None
            found.append(at)
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Scan:
    """One pass over some components; its data ends at ``end``."""

    frame: Frame
    selected: tuple[int, ...]
    coefficients: range
    #: Whether it leaves no lower bits for later scans.
    is_final: bool
    restart_interval: int
    restarts: bytes
    end: int

    @property
    def is_whole(self) -> bool:
        """Whether it draws the whole picture alone, in Huffman codes."""
        return self.frame.is_huffman_sequential and len(self.selected) == len(self.frame.factors)

    @property
    def samples(self) -> int:
        """How many samples it draws, over all its components."""
        most_h, most_v = self.frame.most
        share = sum(h * v for h, v in self._factors)
        return self.frame.width * self.frame.height * share // (most_h * most_v)

    @property
    def has_all_restarts(self) -> bool:
        """Whether no interval between restart markers is lost."""
        if not self.restart_interval:
            return True
        expected = ceil(self._units / self.restart_interval) - 1
        return self.restarts[:expected] == bytes(0xD0 + at % 8 for at in range(expected))

    @property
    def _factors(self) -> list[tuple[int, int]]:
        return [self.frame.factors[each] for each in self.selected]

    @property
    def _units(self) -> int:
        """The minimum coded units, after which restart markers are counted."""
        most_h, most_v = self.frame.most
        across, down = _BLOCK * most_h, _BLOCK * most_v
        if len(self.selected) > 1:
            return ceil(self.frame.width / across) * ceil(self.frame.height / down)
        ((h, v),) = self._factors
        return ceil(self.frame.width * h / across) * ceil(self.frame.height * v / down)


def is_of_unsupported_kind(content: bytes) -> bool:
    """Whether no usual decoder reads a file of this kind.

    It is lossless or hierarchical, has more than 8 bits per channel, or states its height behind the data only.
    """
    at = 2
    while marker := JPEG_MARKER.search(content, at):
        code, body = marker[1][0], marker.end()
        at = body + max(2, int.from_bytes(content[body : body + 2]))
        if code in _STARTS_OF_FRAME:
            bits, height = content[body + 2 : body + 3], content[body + 3 : body + 5]
            is_cut_off = len(height) < 2  # noqa: PLR2004 -- bytes of a number
            return not is_cut_off and (code not in _SUPPORTED or bits != b"\x08" or height == b"\0\0")
    return False


def scans_in(content: bytes) -> Iterator[Scan]:
    """Yield a stripped file's scans, except those that no decoder accepts."""
    frame, interval, at = None, 0, 2
    while marker := JPEG_MARKER.search(content, at):
        code, body = marker[1][0], marker.end()
        at = body + max(2, int.from_bytes(content[body : body + 2]))
        segment = content[body + 2 : at]
        if code in _STARTS_OF_FRAME:
            frame = _frame(code, segment)
        elif code == _RESTART_INTERVAL:
            interval = int.from_bytes(segment[:2])
        elif code == _START_OF_SCAN and frame is not None:
            scan = _scan(frame, segment, interval, content, at)
            if scan is not None:
                yield scan
                at = scan.end


def is_refined(scans: tuple[Scan, ...]) -> bool:
    """Whether the scans contain all coefficients of all components at full precision."""
    finished = {
        (each, k) for scan in scans if scan.is_final for each in scan.selected for k in scan.coefficients
    }
    components = max((len(scan.frame.factors) for scan in scans), default=0)
    return all((each, k) in finished for each in range(components) for k in range(_COEFFICIENTS))


def _frame(code: int, segment: bytes) -> Frame | None:
    factors = tuple((each >> 4, each & 0x0F) for each in segment[7::3])
    if not factors or not all(h and v for h, v in factors):
        return None
    height, width = int.from_bytes(segment[1:3]), int.from_bytes(segment[3:5])
    return Frame(code=code, width=width, height=height, ids=segment[6::3], factors=factors)


def _scan(frame: Frame, segment: bytes, interval: int, content: bytes, start: int) -> Scan | None:
    count = segment[0] if segment else 0
    selected = frame.indices(segment[1 : 1 + 2 * count : 2])
    if not selected or len(segment) < 4 + 2 * count:
        return None
    first, last, bits = segment[1 + 2 * count : 4 + 2 * count]
    # Decoders ignore these fields where a scan has all coefficients anyway, and some programs write nonsense there.
    whole = not frame.is_progressive
    stop = _STOP[interval > 0].search(content, start)
    end = stop.start() if stop else len(content)
    while end > start and content[end - 1] == _FILL:
        end -= 1
    restarts = b"".join(_RESTART.findall(content, start, end)) if interval else b""
    return Scan(
        frame=frame,
        selected=selected,
        coefficients=range(_COEFFICIENTS) if whole else range(first, last + 1),
        is_final=whole or bits & 0x0F == 0,
        restart_interval=interval,
        restarts=restarts,
        end=end,
    )
