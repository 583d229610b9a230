"""Three old photographs as samples (SOURCES.md), and the script that aged them."""

from pathlib import Path

FOLDER = Path(__file__).parent
UNDAMAGED = FOLDER / "undamaged"

#: The sample photos in order, each with the seed of its ageing.
SEEDS = {
    "eileen-before-her-flight.jpg": 1978,
    "the-photographer-at-work.jpg": 1929,
    "chelsea-by-the-window.jpg": 1976,
}


def photos() -> list[Path]:
    """Return the aged photos, as a customer would send them."""
    return [FOLDER / name for name in SEEDS]
