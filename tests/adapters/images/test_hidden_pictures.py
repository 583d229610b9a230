"""Files with more pictures than the first one."""

import io
import zlib

import pytest
from PIL import Image

from tests.adapters.images.test_inspector import encoded
from tests.adapters.images.test_real_world_files import SIZE, difference, refusal, restored
from tests.adapters.support.made_tiff import Page, Value, tiff
from tests.adapters.support.refusal_sentences import english, german

REDUCED, PAGE, MASK = {254: 1}, {254: 2}, {254: 4}
SMALL = (60, 40)
SHADES = Image.linear_gradient("L").resize(SIZE)
PREVIEW = "only a small preview"


def page(
    size: tuple[int, int] = SIZE,
    tags: dict[int, int] | None = None,
    below: tuple[Page, ...] = (),
    linked: tuple[Page, ...] = (),
) -> Page:
    pixels = SHADES.resize(size).tobytes()
    return Page(size=size, pixels=pixels, tags=tags or {}, below=below, linked=linked)


# TIFF: a larger picture behind the first ------------------------------------------------------------------------------

RGB: dict[int, Value] = {258: (8, 8, 8), 262: 2, 277: 3}
LARGER = {
    "in a sub-directory": [page(SMALL, below=(page(),))],
    "in a sub-directory marked as a photo": [page(SMALL, below=(page(tags={254: 0}),))],
    "in a sub-directory marked as a page": [page(SMALL, below=(page(tags=PAGE),))],
    "in a sub-directory marked as reduced": [page(SMALL, below=(page(tags=REDUCED),))],
    "in colour": [page(SMALL, below=(Page(size=SIZE, pixels=bytes(3 * 240 * 160), tags=RGB),))],
    "in the second sub-directory": [page(SMALL, below=(page((30, 20), REDUCED), page()))],
    "linked to a sub-directory": [page(SMALL, below=(page((30, 20), REDUCED, linked=(page(),)),))],
    "below a sub-directory": [page(SMALL, below=(page((30, 20), REDUCED, below=(page(),)),))],
    "below a second page": [page(SMALL), page((30, 20), REDUCED, below=(page(),))],
    "below a preview": [page(SMALL, REDUCED, below=(page(),))],
    "on a second page marked as reduced": [page(SMALL), page(tags=REDUCED)],
    "upright behind a sideways preview": [page(SMALL, below=(page((160, 240)),))],
}


@pytest.mark.parametrize("pages", LARGER.values(), ids=LARGER.keys())
@pytest.mark.parametrize("order", "<>")
def test_a_preview_is_not_sold_as_the_photo_behind_it(pages: list[Page], order: str) -> None:
    message = refusal(io.BytesIO(tiff(*pages, order=order)))
    assert PREVIEW in english(message)
    assert "JPEG or PNG" in english(message)
    assert "Vorschau" in german(message)


SMALLER = {
    "a pyramid in sub-directories": [
        page(below=(page((120, 80), REDUCED), page(SMALL, REDUCED), page((30, 20), REDUCED)))
    ],
    "a pyramid of linked sub-directories": [
        page(below=(page((120, 80), REDUCED, linked=(page(SMALL, REDUCED),)),))
    ],
    "a pyramid of pages": [page(), page((120, 80), REDUCED), page(SMALL, REDUCED)],
    "a preview that is not marked, in a sub-directory": [page(below=(page(SMALL),))],
    "a preview first, with its own smaller version": [
        page((120, 80), REDUCED, below=(page(SMALL, REDUCED),)),
        page(),
    ],
    "a preview first, the photo with a pyramid": [
        page(SMALL, REDUCED),
        page(below=(page((120, 80), REDUCED),)),
    ],
    "a mask in a sub-directory": [page(below=(page(tags=MASK),))],
    "a mask that is larger": [page(), page((480, 320), tags=MASK)],
    "a mask known by its pixels": [page(below=(page(tags={262: 4}),))],
    "a photo marked as reduced": [page(tags=REDUCED)],
    "a photo marked as reduced, and its mask": [page(tags=REDUCED), page(tags=MASK)],
    "a mask first, and a photo marked as reduced": [page(tags=MASK), page(tags=REDUCED)],
    "a sub-directory without a picture": [page(below=(Page(size=(0, 0), pixels=b""),))],
}


@pytest.mark.parametrize("pages", SMALLER.values(), ids=SMALLER.keys())
@pytest.mark.parametrize("order", "<>")
def test_smaller_versions_and_masks_of_the_photo_are_accepted(pages: list[Page], order: str) -> None:
    shown = restored(io.BytesIO(tiff(*pages, order=order)))
    assert shown.size == SIZE
    assert difference(shown, SHADES) < 1


SEVERAL = {
    "two pages marked as reduced": (2, [page(tags=REDUCED), page(tags=REDUCED)]),
    "three pages marked as reduced": (3, [page(tags=REDUCED)] * 3),
    "a small and a large page, both marked as reduced": (2, [page(SMALL, REDUCED), page(tags=REDUCED)]),
    "pages marked as reduced by the old field": (2, [page(tags={255: 2}), page(tags={255: 2})]),
    "a second page of full size marked as reduced": (2, [page(), page(tags=REDUCED)]),
    "a sub-directory of full size": (2, [page(below=(page(),))]),
    "two sub-directories of full size": (3, [page(below=(page(tags=PAGE), page(tags=PAGE)))]),
}


@pytest.mark.parametrize(("count", "pages"), SEVERAL.values(), ids=SEVERAL.keys())
def test_pages_of_full_size_are_several_pages_however_they_are_marked(count: int, pages: list[Page]) -> None:
    message = refusal(io.BytesIO(tiff(*pages)))
    assert english(message).startswith(f"This file holds {count} pages.")
    assert f"{count} Seiten" in german(message)


# PNG: a default image that browsers do not show -----------------------------------------------------------------------


def chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    at, found = 8, []
    while at < len(content):
        length = int.from_bytes(content[at : at + 4])
        found.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def png_of(listed: list[tuple[bytes, bytes]]) -> io.BytesIO:
    made = (
        len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4) for name, data in listed
    )
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(made))


def apng(*frames: Image.Image, is_default_hidden: bool) -> list[tuple[bytes, bytes]]:
    """The chunks of an APNG file; a hidden default image is black."""
    first, *others = (Image.new("L", SIZE), *frames) if is_default_hidden else frames
    file = encoded(first, "PNG", save_all=True, default_image=is_default_hidden, append_images=others)
    return chunks(file.getvalue())


OTHER = SHADES.transpose(Image.Transpose.FLIP_TOP_BOTTOM)


@pytest.mark.parametrize(
    ("frames", "claimed", "pictures"), [(1, 1, 2), (2, 2, 3), (3, 3, 4), (3, 1, 4), (1, 0, 2)]
)
def test_a_default_image_that_browsers_do_not_show_is_not_sold(
    frames: int, claimed: int, pictures: int
) -> None:
    shown = [SHADES, OTHER, SHADES.rotate(90)][:frames]
    listed = [
        (name, claimed.to_bytes(4) + data[4:] if name == b"acTL" else data)
        for name, data in apng(*shown, is_default_hidden=True)
    ]
    assert sum(name == b"fcTL" for name, _ in listed) == frames
    message = refusal(png_of(listed))
    assert english(message).startswith(f"This file is an animation of {pictures} pictures.")


def test_more_frames_than_an_animation_claims_are_counted() -> None:
    listed = [
        (name, (1).to_bytes(4) + data[4:] if name == b"acTL" else data)
        for name, data in apng(SHADES, OTHER, is_default_hidden=False)
    ]
    assert english(refusal(png_of(listed))).startswith("This file is an animation of 2 pictures.")


def test_an_animation_of_its_default_image_alone_is_a_photo() -> None:
    plain = chunks(encoded(SHADES, "PNG").getvalue())
    claim = (b"acTL", (1).to_bytes(4) + bytes(4))
    control = (b"fcTL", bytes(4) + SIZE[0].to_bytes(4) + SIZE[1].to_bytes(4) + bytes(14))
    stray = (b"fdAT", (1).to_bytes(4) + b"not pixels")
    for before in ([claim], [claim, control], [control], [stray, control]):
        assert difference(restored(png_of([plain[0], *before, *plain[1:]])), SHADES) < 1
    behind = [*plain[:-1], control, stray, plain[-1]]  # without a claim
    assert difference(restored(png_of(behind)), SHADES) < 1


# HEIF and WebP --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("primary", [0, 1])
def test_the_primary_picture_of_a_heif_file_is_the_photo(primary: int) -> None:
    more = {"save_all": True, "append_images": [OTHER], "primary_index": primary}
    file = encoded(SHADES, "HEIF", quality=95, **more)
    assert difference(restored(file), (SHADES, OTHER)[primary]) < 2


def webp_of(listed: list[tuple[bytes, bytes]]) -> io.BytesIO:
    body = b"WEBP" + b"".join(name + len(data).to_bytes(4, "little") + data for name, data in listed)
    return io.BytesIO(b"RIFF" + len(body).to_bytes(4, "little") + body)


@pytest.mark.parametrize("flags", [0, 2])
@pytest.mark.parametrize("is_still_first", [True, False])
def test_a_webp_with_a_still_picture_beside_a_frame_is_refused(flags: int, *, is_still_first: bool) -> None:
    size = b"".join((side - 1).to_bytes(3, "little") for side in SIZE)
    still, frame = (encoded(image, "WEBP", lossless=True).getvalue()[12:] for image in (SHADES, OTHER))
    pictures = [(still[:4], still[8:]), (b"ANMF", bytes(6) + size + b"\x64\0\0\0" + frame)]
    head = [(b"VP8X", bytes([flags, 0, 0, 0]) + size), (b"ANIM", bytes(6))]
    assert "damaged" in english(refusal(webp_of([*head, *(pictures if is_still_first else pictures[::-1])])))


def test_a_webp_animation_of_one_frame_is_a_photo() -> None:
    size = b"".join((side - 1).to_bytes(3, "little") for side in SIZE)
    frame = encoded(SHADES, "WEBP", lossless=True).getvalue()[12:]
    head = [(b"VP8X", bytes([2, 0, 0, 0]) + size), (b"ANIM", bytes(6))]
    file = webp_of([*head, (b"ANMF", bytes(6) + size + b"\x64\0\0\0" + frame)])
    assert difference(restored(file), SHADES) < 1
