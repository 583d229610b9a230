"""Three old photographs to try the shop with, and the script that made them old (sources: SOURCES.md)."""

from pathlib import Path

FOLDER = Path(__file__).parent
UNDAMAGED = FOLDER / "undamaged"

#: The sample photos in the order they are shown, each with the seed of its ageing.
SEEDS = {
    "eileen-before-her-flight.jpg": 1978,
    "the-photographer-at-work.jpg": 1931,
    "chelsea-by-the-window.jpg": 1976,
}


def photos() -> list[Path]:
    """The aged photos, as a customer would send them."""
    return [FOLDER / name for name in SEEDS]
