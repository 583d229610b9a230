"""Files with more pictures than the first one."""

import io

import pytest
from PIL import Image

from tests.adapters.images.test_real_world_files import SIZE, difference, refusal, restored
from tests.adapters.support.made_tiff import Page, Value, tiff

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
    assert PREVIEW in message.problem
    assert "JPEG or PNG" in message.advice
    assert "Vorschau" in (message.german or "")


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
    assert message.problem == f"This file holds {count} pages."
    assert f"{count} Seiten" in (message.german or "")
