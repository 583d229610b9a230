"""Connected regions and their filling, on masks of any shape."""

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from sandbox.restoration.filling import filled
from sandbox.restoration.regions import area, box, drawn, regions, total

WIDTH = 12

masks = st.lists(st.booleans(), min_size=WIDTH, max_size=12 * WIDTH).map(
    lambda pixels: Image.frombytes(
        "L",
        (WIDTH, len(pixels) // WIDTH),
        bytes(255 * pixel for pixel in pixels[: len(pixels) // WIDTH * WIDTH]),
    )
)


def connected(mask: Image.Image) -> set[frozenset[int]]:
    """The regions, found pixel by pixel."""
    waiting = {place for place, pixel in enumerate(mask.tobytes()) if pixel}
    found = set()
    while waiting:
        region, edge = set(), {waiting.pop()}
        while edge:
            region |= edge
            edge = {
                other
                for other in waiting
                for place in edge
                if abs(other // WIDTH - place // WIDTH) <= 1 and abs(other % WIDTH - place % WIDTH) <= 1
            }
            waiting -= edge
        found.add(frozenset(region))
    return found


@given(masks)
def test_regions_are_what_touches_by_sides_or_corners(mask: Image.Image) -> None:
    found = regions(mask)

    assert {frozenset(place for run in region for place in range(*run)) for region in found} == connected(
        mask
    )
    assert drawn(found, mask.size) == mask


@given(masks)
def test_a_region_knows_its_box_and_its_sums(mask: Image.Image) -> None:
    for region in regions(mask):
        alone = drawn([region], mask.size)

        assert box(region, mask.width) == alone.getbbox()
        assert area(region) == alone.histogram()[255]
        assert total(region, mask.tobytes()) == 255 * area(region)


@given(masks)
def test_what_is_not_damaged_stays_and_damage_gets_the_tones_around_it(damage: Image.Image) -> None:
    paper = Image.new("L", damage.size, 200)
    scratched = Image.composite(Image.new("L", damage.size, 10), paper, damage)

    restored = filled(scratched, damage)

    assert not ImageChops.darker(
        ImageChops.difference(restored, scratched), ImageChops.invert(damage)
    ).getbbox()
    # Rounding, once a halving.
    if damage.histogram()[0]:
        assert max(ImageChops.difference(restored, paper).tobytes()) <= 4
