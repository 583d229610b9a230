"""Customer messages for refused pictures: the problem, and what to send instead."""

from collections.abc import Sequence

from domain.ports.errors import UnreadableImageError

_MEGA = 1_000_000

#: Frames and pages are counted up to here.
COUNTED_AT_MOST = 1000


def not_a_picture() -> UnreadableImageError:
    """The bytes are in no supported format."""
    return UnreadableImageError(
        "This file is not a picture we can read.",
        "Please send a JPEG, PNG, WebP, TIFF, HEIC or AVIF file.",
        "Diese Datei ist kein Bild, das wir lesen können. "
        "Bitte schicken Sie eine Datei im Format JPEG, PNG, WebP, TIFF, HEIC oder AVIF.",
    )


def damaged() -> UnreadableImageError:
    """The decoder fails, or pixels are missing."""
    return UnreadableImageError(
        "This picture is damaged or incomplete.",
        "Please open it on your computer, save it again and send the new file.",
        "Dieses Bild ist beschädigt oder unvollständig. "
        "Bitte öffnen Sie es auf Ihrem Computer, speichern Sie es neu und schicken Sie die neue Datei.",
    )


def camera_raw() -> UnreadableImageError:
    """Sensor data, which every program develops differently."""
    return UnreadableImageError(
        "This is a camera's raw file, which does not hold a finished picture.",
        "Please export the photo as JPEG or TIFF and send that file.",
        "Dies ist die Rohdatei (RAW) einer Kamera, die noch kein fertiges Bild enthält. "
        "Bitte exportieren Sie das Foto als JPEG oder TIFF und schicken Sie diese Datei.",
    )


def several_pages(count: int) -> UnreadableImageError:
    """A TIFF file of several photos, e.g. of a scanner's feeder."""
    return UnreadableImageError(
        f"This file holds {_counted(count, 'more than')} pages.",
        "Please save each page as a file of its own and send them one by one.",
        f"Diese Datei enthält {_counted(count, 'mehr als')} Seiten. "
        "Bitte speichern Sie jede Seite als eigene Datei und schicken Sie die Dateien einzeln.",
    )


def preview_first() -> UnreadableImageError:
    """A TIFF file whose photo is behind a smaller version of it."""
    return UnreadableImageError(
        "The first picture in this file is only a small preview; the photo itself is hidden behind it.",
        "Please open the photo in the program that made the file, save it as a JPEG or PNG file and send that.",
        "Das erste Bild in dieser Datei ist nur eine kleine Vorschau; das eigentliche Foto liegt dahinter. Bitte "
        "öffnen Sie das Foto in dem Programm, mit dem die Datei erstellt wurde, speichern Sie es als JPEG oder PNG "
        "und schicken Sie diese Datei.",
    )


def too_many_scans(limit: int) -> UnreadableImageError:
    """A JPEG that is made to take its decoder long."""
    return UnreadableImageError(
        "This JPEG file is built in a way that no camera or scanner uses: "
        f"it draws its picture more than {limit} times over.",
        "Please open it on your computer, save it again as an ordinary JPEG or PNG file and send that.",
        "Diese JPEG-Datei ist so aufgebaut, wie es keine Kamera und kein Scanner tut. Bitte öffnen Sie sie auf "
        "Ihrem Computer, speichern Sie sie neu als gewöhnliche JPEG- oder PNG-Datei und schicken Sie diese.",
    )


def animation(count: int) -> UnreadableImageError:
    """An animation or video."""
    return UnreadableImageError(
        f"This file is an animation of {_counted(count, 'more than')} pictures.",
        "Please save the picture you want restored as a JPEG or PNG file and send that.",
        f"Diese Datei ist eine Animation aus {_counted(count, 'mehr als')} Bildern. "
        "Bitte speichern Sie das gewünschte Bild als JPEG oder PNG und schicken Sie diese Datei.",
    )


def invisible() -> UnreadableImageError:
    """Every pixel is transparent, whatever colours are hidden in it."""
    return UnreadableImageError(
        "This picture is transparent everywhere, so there is nothing to see on it.",
        "Please open it on your computer, save it as a JPEG file, look whether the photo is there, and send that.",
        "Dieses Bild ist überall durchsichtig, es ist also nichts darauf zu sehen. Bitte öffnen Sie es auf Ihrem "
        "Computer, speichern Sie es als JPEG, sehen Sie nach, ob das Foto da ist, und schicken Sie diese Datei.",
    )


def high_dynamic_range() -> UnreadableImageError:
    """A picture brighter than white, which only some screens show."""
    return UnreadableImageError(
        "This is an HDR picture, whose brightness only some screens can show.",
        "Please save it as an ordinary JPEG or PNG file (SDR) and send that.",
        "Dies ist ein HDR-Bild, dessen Helligkeit nur manche Bildschirme zeigen können. "
        "Bitte speichern Sie es als gewöhnliche JPEG- oder PNG-Datei (SDR) und schicken Sie diese.",
    )


def kind_of_tiff(english: str, german: str, conditions: Sequence[tuple[str, str]]) -> UnreadableImageError:
    """A TIFF file of an unsupported kind, which is described.

    ``conditions`` are what else a TIFF has to be, in English and German, where this one may already have 8 bits per
    channel in RGB or grey.
    """
    also = "".join(f", {words}" for words, _ in conditions)
    auch = "".join(f", {worte}" for _, worte in conditions) + ("," if conditions else "")
    return UnreadableImageError(
        f"This is a TIFF file of a kind we cannot read ({english}).",
        f"Please save it as JPEG or PNG, or as TIFF with 8 bits per channel in RGB or grey{also}, and send that file.",
        f"Dies ist eine TIFF-Datei einer Art, die wir nicht lesen können ({german}). "
        "Bitte speichern Sie das Bild als JPEG oder PNG oder als TIFF mit 8 Bit pro Kanal in RGB oder "
        f"Graustufen{auch} und schicken Sie diese Datei.",
    )


def too_large(width: int, height: int, limit: int, jpeg_limit: int | None) -> UnreadableImageError:
    """More pixels than ``limit``; ``jpeg_limit`` is named where JPEG allows more."""
    most, most_in_jpeg = limit // _MEGA, (jpeg_limit or 0) // _MEGA
    otherwise, sonst = "", ""
    if jpeg_limit is not None:
        otherwise = f", or as a JPEG that is not progressive, with at most {most_in_jpeg}"
        sonst = f", oder als JPEG, das nicht progressiv gespeichert ist, mit höchstens {most_in_jpeg}"
    return UnreadableImageError(
        f"This picture is too large: {width} x {height} pixels.",
        f"Please send it with at most {most} megapixels{otherwise}.",
        f"Dieses Bild ist zu groß: {width} x {height} Pixel. "
        f"Bitte schicken Sie es mit höchstens {most} Megapixeln{sonst}.",
    )


def too_small(width: int, height: int, limit: int) -> UnreadableImageError:
    """An icon rather than a photo."""
    return UnreadableImageError(
        f"This picture is too small: {width} x {height} pixels.",
        f"Please send it with at least {limit} pixels on each side.",
        f"Dieses Bild ist zu klein: {width} x {height} Pixel. "
        f"Bitte schicken Sie es mit mindestens {limit} Pixeln auf jeder Seite.",
    )


def _counted(count: int, more_than: str) -> str:
    return str(count) if count <= COUNTED_AT_MOST else f"{more_than} {COUNTED_AT_MOST}"
