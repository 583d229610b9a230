from pathlib import Path

import pytest
from PIL import ImageChops, ImageFilter, ImageStat

from sandbox.restoration.pixels import percentile
from sandbox.samples import FOLDER, SEEDS, UNDAMAGED, photos
from sandbox.samples.age import JPEG_QUALITY, age, main
from tests.sandbox.pictures import read, share


@pytest.mark.parametrize("name", SEEDS)
def test_each_sample_photo_is_what_the_script_makes_of_the_undamaged_one(name: str, tmp_path: Path) -> None:
    main([str(UNDAMAGED / name), str(tmp_path / name), "--seed", str(SEEDS[name])])

    difference = ImageChops.difference(read(tmp_path / name), read(FOLDER / name)).convert("L")

    # Decoders and encoders of JPEG may round differently, by a level here and there.
    assert ImageStat.Stat(difference).mean[0] < 0.5
    assert percentile(difference.histogram(), 99.9) <= 4


def test_the_sample_photos_are_small_files_of_about_a_megapixel() -> None:
    for photo in photos():
        width, height = read(photo).size
        assert photo.stat().st_size < 350_000
        assert 0.9e6 < height * width < 1.2e6


def test_every_sample_photo_names_its_source() -> None:
    sources = (FOLDER / "SOURCES.md").read_text(encoding="utf-8")

    assert all(name in sources for name in SEEDS)


def test_the_same_seed_ages_the_same_way_and_another_differently() -> None:
    picture = read(UNDAMAGED / next(iter(SEEDS)))

    once, again, other = age(picture, 7), age(picture, 7), age(picture, 8)

    assert once == again
    assert once.damage != other.damage


def test_the_mask_covers_the_damage(tmp_path: Path) -> None:
    name = next(iter(SEEDS))
    main([str(UNDAMAGED / name), str(tmp_path / "a.png"), "--mask", str(tmp_path / "mask.png")])
    middle = (300, 300, 700, 700)  # of the picture, because the median of all of it takes seconds
    aged, mask = (read(tmp_path / name).crop(middle) for name in ("a.png", "mask.png"))
    aged = aged.convert("L")
    elsewhere = ImageChops.invert(mask.filter(ImageFilter.MaxFilter(9)))
    # Damage is small, so a median over a wide window is the picture without it.
    difference = ImageChops.difference(aged, aged.filter(ImageFilter.MedianFilter(15)))
    damaged, undamaged = (ImageStat.Stat(difference, where).mean[0] for where in (mask, elsewhere))

    assert 0.005 < share(mask) < 0.05
    assert damaged > 4 * undamaged


def test_a_file_that_is_no_picture_is_refused_with_its_name(tmp_path: Path) -> None:
    email_content = tmp_path / "letter.jpg"
    email_content.write_text("Dear Sirs")

    with pytest.raises(ValueError, match=r"letter\.jpg"):
        main([str(email_content), str(tmp_path / "out.jpg")])


def test_the_quality_of_the_samples_leaves_their_grain_visible() -> None:
    assert JPEG_QUALITY >= 85
