"""Restored photos keep their customers' file names, where file systems allow it."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.order.file_names import as_written, cut, distinct, graphemes, safe_stem


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Oma's Köln & Bonn.jpg", "Oma's Köln & Bonn"),
        ("曾祖母 1931, (№ 2)!.png", "曾祖母 1931, (№ 2)!"),
        ("aunt.final.jpg", "aunt.final"),
        ('a<b>c:d"e|f?g*h.jpg', "a_b_c_d_e_f_g_h"),
        ("../../etc/passwd.jpg", "passwd"),
        ("C:\\scans\\aunt.jpg", "aunt"),
        ("aunt\r\n\x00uncle.jpg", "aunt_uncle"),
        ("aunt\u202egnp.jpg", "aunt_gnp"),
        ("aunt\u2066\u200fgnp\u2069.jpg", "aunt_gnp_"),
        (".. .jpg", ""),
        ("???.jpg", ""),
        ("\u200d\u200c.jpg", ""),
        ("_DSC0001.jpg", "_DSC0001"),
        ("St. Moritz", "St. Moritz"),
        ("Frau Dr. Müller", "Frau Dr. Müller"),
        ("Oma 12.5.1950", "Oma 12.5.1950"),
        ("Oma 12.5.1950.JPEG", "Oma 12.5.1950"),
        ("v1.final", "v1.final"),
        ("Thumbs.db", "Thumbs"),
        ("film.mp4", "film"),
        ("aunt.jpg. ", "aunt"),
        ("aunt..jpg", "aunt"),
        (".jpg", ""),
        (".hidden.jpg", "hidden"),
        ("aunt . .jpg", "aunt"),
        ("con.jpg", "_con"),
        ("NUL.tar.jpg", "_NUL.tar"),
        ("com¹ .x.jpg", "_com¹ .x"),
        ("console.jpg", "console"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.jpg",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("👨\u200d👩\u200d👧.jpg", "👨\u200d👩\u200d👧"),
        ("❤\ufe0f.jpg", "❤\ufe0f"),
        ("\U0001fae9 of 2024.jpg", "\U0001fae9 of 2024"),  # newer than this Python's Unicode
        ("", ""),
    ],
)
def test_a_photo_keeps_its_name_but_for_what_a_file_system_forbids(name: str, kept: str) -> None:
    assert safe_stem(name) == kept


@pytest.mark.parametrize("email_content", ["a", "ö", "母", "👵"])
def test_a_long_name_is_cut_to_what_every_disk_takes(email_content: str) -> None:
    stem = safe_stem(email_content * 300)
    assert 196 < len(stem.encode()) <= 200
    assert set(stem) == {email_content}


ENGLAND = "🏴" + "".join(chr(0xE0000 + ord(sign)) for sign in "gbeng\x7f")


def test_a_flag_that_is_written_with_invisible_tags_is_kept() -> None:
    assert safe_stem(f"{ENGLAND}.jpg") == ENGLAND
    assert list(graphemes(f"{ENGLAND}!")) == [ENGLAND, "!"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Oma's Köln & Bonn.jpg", "Oma's Köln & Bonn.jpg"),
        ("IMG_0001.JPG", "IMG_0001.JPG"),
        ("👨\u200d👩\u200d👧.jpg", "👨\u200d👩\u200d👧.jpg"),
        ("\U0001fae9.jpg", "\U0001fae9.jpg"),
        ("C:\\scans\\aunt.jpg", "aunt.jpg"),
        ("aunt\x00\r\n.jpg", "aunt.jpg"),
        ("aunt\u202egpj.exe", "auntgpj.exe"),
        ("\ud83d.jpg", ".jpg"),
        ("aunt." + "x" * 40, "aunt." + "x" * 40),
        ("\u200d\u2060", "photo"),
        (" / ", "photo"),
        ("", "photo"),
    ],
)
def test_a_name_is_answered_as_it_was_written(name: str, kept: str) -> None:
    assert as_written(name) == kept


def test_a_long_name_keeps_its_ending() -> None:
    kept = as_written("母" * 300 + ".jpeg")
    assert kept.endswith("母.jpeg")
    assert 250 < len(kept.encode()) <= 255


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("añb", ["a", "ñ", "b"]),
        ("an\u0303b", ["a", "n\u0303", "b"]),
        ("👨\u200d👩\u200d👧👧", ["👨\u200d👩\u200d👧", "👧"]),
        ("👍🏽👍", ["👍🏽", "👍"]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
        ("क्षि", ["क्षि"]),
        ("\u1100\u1161\u11a8", ["\u1100\u1161\u11a8"]),
    ],
)
def test_what_people_see_as_one_sign_is_one(text: str, signs: list[str]) -> None:
    assert list(graphemes(text)) == signs


@pytest.mark.parametrize("sign", ["n\u0303", "👨\u200d👩\u200d👧", "👍🏽", "🇩🇪"])
def test_a_name_is_cut_between_signs(sign: str) -> None:
    for limit_bytes in range(len(sign.encode()), 80):
        kept = cut(sign * 20, limit_bytes)
        assert kept == sign * min(20, limit_bytes // len(sign.encode()))


def test_one_sign_with_marks_without_end_is_cut_all_the_same() -> None:
    assert len(cut("a" + "\u0301" * 300, 100).encode()) in {99, 100}


def test_names_that_a_disk_takes_for_one_get_their_numbers() -> None:
    assert distinct(["IMG_0001", "img_0001", "Img_0001"]) == ["IMG_0001", "2-img_0001", "3-Img_0001"]
    assert distinct(["Käthe", "Ka\u0308the"]) == ["Käthe", "2-Ka\u0308the"]
    assert distinct(["Straße", "STRASSE"]) == ["Straße", "2-STRASSE"]
    assert distinct(["a\u200cb", "ab"]) == ["a\u200cb", "2-ab"]


def test_a_number_takes_no_other_photos_name() -> None:
    assert distinct(["a", "3-a", "a"]) == ["a", "3-a", "3-2-a"]
    assert distinct(["a", "a", "2-a"]) == ["a", "2-2-a", "2-a"]


#: How file systems and programs that ignore case or Unicode forms may compare names.
FOLDS: tuple[Callable[[str], str], ...] = (
    lambda name: unicodedata.normalize("NFC", name).casefold(),
    lambda name: unicodedata.normalize("NFC", name.casefold()),
    lambda name: unicodedata.normalize("NFD", name).upper(),
    lambda name: unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold()),
)

#: Few characters, so that names collide: case, marks, joiners, digits, forbidden characters, and any other.
NAMES = st.text(
    st.sampled_from("aAäÄ\u0308sSß\u017f0123-./\\: \u200d\u200c\ufe0f_😀👩🇩") | st.characters(), max_size=8
)


@settings(max_examples=3 * settings().max_examples)
@given(st.lists(NAMES, min_size=1, max_size=8))
def test_names_stay_distinct_on_any_disk_and_safe_on_windows(names: list[str]) -> None:
    stems = [f"{safe_stem(name) or f'photo-{number}'}-restored" for number, name in enumerate(names, start=1)]
    chosen = [f"{stem}.png" for stem in distinct(stems)]
    for fold in FOLDS:
        assert len({fold(name) for name in chosen}) == len(names)
    for name in chosen:
        assert len(name.encode()) <= 255
        assert not set(name) & set('<>:"/\\|?*')
        assert all(unicodedata.category(sign) not in {"Cc", "Cs", "Zl", "Zp"} for sign in name)
        assert name.strip(" ") == name
        assert not name.startswith(".")


@given(st.text(max_size=300), st.integers(min_value=1, max_value=60))
def test_what_is_cut_is_a_beginning_within_its_limit(text: str, limit_bytes: int) -> None:
    kept = cut(text.encode(errors="ignore").decode(), limit_bytes)
    assert text.encode(errors="ignore").decode().startswith(kept)
    assert len(kept.encode()) <= limit_bytes
