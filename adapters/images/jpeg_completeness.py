"""Completeness of progressive JPEG scans (ITU T.81, annex G)."""

from adapters.images.metadata_stripping import JPEG_MARKER

_START_OF_SCAN = 0xDA
#: Frame markers without the tables and extensions between them.
_STARTS_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_COEFFICIENTS = 64


def is_refined(content: bytes) -> bool:
    """Whether the scans contain all coefficients of all components at full precision."""
    components: set[int] = set()
    finished: set[tuple[int, int]] = set()
    at = 2
    while marker := JPEG_MARKER.search(content, at):
        code, body = marker[1][0], marker.end()
        length = max(2, int.from_bytes(content[body : body + 2]))
        segment = content[body + 2 : body + length]
        if code in _STARTS_OF_FRAME:
            components = set(segment[6::3])
        elif code == _START_OF_SCAN and segment:
            count = segment[0]
            first, last, bits = segment[1 + 2 * count : 4 + 2 * count]
            if bits & 0x0F == 0:
                selected = segment[1 : 1 + 2 * count : 2]
                finished |= {(each, k) for each in selected for k in range(first, last + 1)}
        at = body + length
    return all((each, k) in finished for each in components for k in range(_COEFFICIENTS))
