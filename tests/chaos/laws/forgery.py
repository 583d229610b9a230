"""Law 12: what nobody should have sent."""

from collections.abc import Iterator

from tests.chaos.collected_state import ExportArchive
from tests.chaos.visits import FORGED

UNTOUCHED = "Forged or malformed input changes nothing."


def forgeries_change_nothing(export_archive: ExportArchive) -> Iterator[str]:
    """Each was refused, and no table holds a word of any."""
    for forgery in export_archive.town.forgeries:
        if not 400 <= forgery.status < 500:
            yield f"{forgery.what} ({forgery.mark}) was answered with {forgery.status}."
    for word in export_archive.words:
        if FORGED in word:
            yield f"The books hold {word}, which nobody but a forger has ever said."
