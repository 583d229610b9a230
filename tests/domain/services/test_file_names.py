"""A restored photo keeps the name its customer knows it by, as far as a disk can take it."""

import pytest

from domain.services.delivering import safe_stem


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Oma's Köln & Bonn.jpg", "Oma's Köln & Bonn"),
        ("曾祖母 1931, (№ 2)!.png", "曾祖母 1931, (№ 2)!"),
        ("aunt.final.jpg", "aunt.final"),
        ('a<b>c:d"e|f?g*h.jpg', "a_b_c_d_e_f_g_h"),
        ("../../etc/passwd.jpg", "passwd"),
        ("C:\\scans\\aunt.jpg", "aunt"),
        ("aunt\r\n\x00uncle.jpg", "aunt_uncle"),
        ("aunt\u202egnp.jpg", "aunt_gnp"),
        (".. .jpg", ""),
        ("", ""),
    ],
)
def test_a_photo_keeps_its_name_but_for_what_a_file_system_forbids(given: str, kept: str) -> None:
    assert safe_stem(given) == kept


@pytest.mark.parametrize("letter", ["a", "ö", "母", "👵"])
def test_a_long_name_is_cut_to_what_every_disk_takes(letter: str) -> None:
    stem = safe_stem(letter * 300)
    assert 196 < len(stem.encode()) <= 200
    assert set(stem) == {letter}
