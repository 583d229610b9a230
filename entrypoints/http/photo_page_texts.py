"""The words of the page behind a download link, in each language that the shop's mails are written in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.model.wishes import RedoObstacle

_MONTHS_DE = (
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
)
_KILOBYTE = 1000


@dataclass(frozen=True, kw_only=True)
class PhotoPageTexts:
    """One language's words; what is in braces is filled in, ``{name}`` with HTML that is escaped already."""

    language: str
    title: str
    intro: str  # {until}
    save_all: str  # {size}
    save: str
    save_named: str
    redo_offer: str  # {until}
    redo: str
    redo_named: str
    redo_not_possible: str  # {why}
    redo_running: str
    earlier: str
    pixels: str  # {width} {height} {original_width} {original_height}
    nothing: str
    restored_alt: str
    photo: str  # {number}
    sorry: str  # {why}
    obstacles: Mapping[RedoObstacle, str]

    def day(self, at: datetime) -> str:
        """The day in UTC as people of this language write it."""
        if self.language == "de":
            return f"{at.day}. {_MONTHS_DE[at.month - 1]} {at.year}"
        return f"{at.day} {at:%B %Y}"

    def size(self, size_bytes: int) -> str:
        """``812 kB`` or ``3.4 MB``, with the language's decimal sign."""
        if size_bytes < _KILOBYTE**2:
            return f"{max(round(size_bytes / _KILOBYTE), 1)} kB"
        figure = f"{size_bytes / _KILOBYTE**2:.1f} MB"
        return figure.replace(".", ",") if self.language == "de" else figure


ENGLISH = PhotoPageTexts(
    language="en",
    title="Your restored photos",
    intro=(
        "Here you can look at your photos and save them to your own device. "
        "This page works until {until}, so please save them before then."
    ),
    save_all="Save all photos ({size})",
    save="Save this photo",
    save_named="Save {name}",
    redo_offer=(
        "Is one not quite right? Until {until} you can have each photo tried once more. It is then restored in another "
        "way, and the result you see now is kept beside the new one."
    ),
    redo="Not quite right: try once more",
    redo_named="Not quite right: try {name} once more",
    redo_not_possible="Not possible: {why}.",
    redo_running="We are trying this photo once more, and write to you as soon as we know what came of it.",
    earlier="The result before this one",
    pixels="{width} x {height} pixels; the photo you sent has {original_width} x {original_height}",
    nothing="there is no result of it",
    restored_alt="{name}, restored",
    photo="Photo {number}",
    sorry="Sorry: {why}.",
    obstacles={each: each.value for each in RedoObstacle},
)

GERMAN = PhotoPageTexts(
    language="de",
    title="Ihre restaurierten Fotos",
    intro=(
        "Hier können Sie Ihre Fotos ansehen und auf Ihrem eigenen Gerät speichern. "
        "Diese Seite gilt bis zum {until}; bitte speichern Sie die Fotos vorher."
    ),
    save_all="Alle Fotos speichern ({size})",
    save="Dieses Foto speichern",
    save_named="{name} speichern",
    redo_offer=(
        "Ist eines noch nicht ganz richtig? Bis zum {until} versuchen wir es auf Ihren Wunsch mit jedem Foto noch "
        "einmal. Es wird dann auf andere Weise restauriert, und das Ergebnis, das Sie jetzt sehen, bleibt daneben "
        "erhalten."
    ),
    redo="Noch nicht ganz richtig: noch einmal versuchen",
    redo_named="Noch nicht ganz richtig: {name} noch einmal versuchen",
    redo_not_possible="Nicht möglich: {why}.",
    redo_running="Wir versuchen es mit diesem Foto noch einmal und schreiben Ihnen, sobald wir das Ergebnis kennen.",
    earlier="Das Ergebnis davor",
    pixels=(
        "{width} x {height} Bildpunkte; das Foto, das Sie geschickt haben, hat {original_width} x {original_height}"
    ),
    nothing="dazu gibt es kein Ergebnis",
    restored_alt="{name}, restauriert",
    photo="Foto {number}",
    sorry="Leider: {why}.",
    obstacles={
        RedoObstacle.NOT_RESTORED: "es ließ sich nicht restaurieren",
        RedoObstacle.RUNNING: "ein weiterer Versuch läuft bereits",
        RedoObstacle.USED_UP: "um einen weiteren Versuch wurde schon gebeten",
        RedoObstacle.ORDER_STOPPED: "die Bestellung wurde gestoppt",
        RedoObstacle.ORDER_HELD: "jemand aus unserem Haus sieht sich die Bestellung gerade an",
        RedoObstacle.DISPUTED: "die Bank hat über die Zahlung noch nicht entschieden",
        RedoObstacle.NOT_SENT: "das erste Ergebnis ist noch nicht verschickt",
        RedoObstacle.TOO_LATE: "die Zeit dafür ist vorbei",
    },
)

LANGUAGES: Mapping[str, PhotoPageTexts] = {texts.language: texts for texts in (ENGLISH, GERMAN)}

_RANGE = re.compile(r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*")


def texts_for(accept_language: str) -> PhotoPageTexts:
    """The words for a browser's Accept-Language header: the best of what we write, else English."""
    wanted = [
        (float(found[2] or 1), LANGUAGES[found[1].lower()])
        for each in accept_language[:200].split(",")
        if (found := _RANGE.fullmatch(each)) and found[1].lower() in LANGUAGES
    ]
    return max(wanted, key=lambda each: each[0])[1] if wanted else ENGLISH
