"""Camera raw files in proprietary containers; ``tiff_pages`` finds raw TIFF files."""

import re

#: Fujifilm, Canon (before and after TIFF), Olympus, Panasonic, Sigma, Minolta.
_SIGNATURE = re.compile(
    rb"FUJIFILMCCD-RAW|II\x1a\x00\x00\x00HEAPCCDR|....ftypcrx |IIR[OS]|MMOR|IIU\x00|FOVb|\x00MRM", re.DOTALL
)


def is_camera_raw(content: bytes) -> bool:
    """Whether the file has the signature of a camera's raw file."""
    return _SIGNATURE.match(content) is not None
