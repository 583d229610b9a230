"""Camera raw files in containers of their makers; those in TIFF files are found by ``tiff_pages``."""

import re

#: Fujifilm, Canon (before and after TIFF), Olympus, Panasonic, Sigma, Minolta.
_SIGNATURE = re.compile(
    rb"FUJIFILMCCD-RAW|II\x1a\x00\x00\x00HEAPCCDR|....ftypcrx |IIR[OS]|MMOR|IIU\x00|FOVb|\x00MRM", re.DOTALL
)


def is_camera_raw(content: bytes) -> bool:
    """Whether the file begins as raw files of cameras do."""
    return _SIGNATURE.match(content) is not None
