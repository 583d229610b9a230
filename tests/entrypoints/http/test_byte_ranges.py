"""Parsing of Range headers by RFC 9110."""

import pytest

from entrypoints.http.byte_ranges import (
    ByteRange,
    FileChangedError,
    UnsatisfiableRangeError,
    is_known_to_client,
    requested_range,
    require_same_file,
)

ETAG = '"abc"'


def part(asked: str, whole_bytes: int = 1000, **conditions: str) -> tuple[int, int] | None:
    headers = {"range": asked, **{name.replace("_", "-"): value for name, value in conditions.items()}}
    found = requested_range(headers, ETAG, whole_bytes)
    return (found.first, found.last) if found else None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-0", (0, 0)),
        ("bytes=0-", (0, 999)),
        ("bytes=500-", (500, 999)),
        ("bytes=999-", (999, 999)),
        ("bytes=0-499", (0, 499)),
        ("bytes=900-5000", (900, 999)),
        ("bytes=-1", (999, 999)),
        ("bytes=-500", (500, 999)),
        ("bytes=-5000", (0, 999)),
        ("Bytes = 1 - 2", (1, 2)),
    ],
)
def test_one_range_is_understood(asked: str, expected: tuple[int, int]) -> None:
    assert part(asked) == expected


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-3",
        "bytes=0-1,5-9",
        "lines=0-1",
        "bytes=1-2;",
    ],
)
def test_what_cannot_be_read_asks_for_the_whole_file(asked: str) -> None:
    assert part(asked) is None


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-2000", "bytes=-0"])
def test_a_part_that_the_file_has_not_is_refused_with_its_length(asked: str) -> None:
    with pytest.raises(UnsatisfiableRangeError) as refusal:
        part(asked)
    assert refusal.value.whole_bytes == 1000


def test_an_empty_file_has_no_part() -> None:
    with pytest.raises(UnsatisfiableRangeError):
        part("bytes=0-", 0)


@pytest.mark.parametrize("condition", ['"other"', 'W/"abc"', "Sun, 22 Nov 2026 00:00:00 GMT", ""])
def test_a_part_of_another_file_is_not_sent(condition: str) -> None:
    assert part("bytes=500-", if_range=condition) is None
    assert part("bytes=5000-", if_range=condition) is None


def test_a_part_of_the_same_file_is_sent() -> None:
    assert part("bytes=500-", if_range=ETAG) == (500, 999)


@pytest.mark.parametrize("given", [ETAG, "*", 'W/"abc"', f'"x", {ETAG}', f'"x,y",{ETAG} '])
def test_a_client_that_names_the_file_knows_it(given: str) -> None:
    assert is_known_to_client({"if-none-match": given}, ETAG)


@pytest.mark.parametrize(
    "headers", [{}, {"if-none-match": '"x"'}, {"if-none-match": "abc"}, {"if-none-match": ""}]
)
def test_a_client_that_names_another_file_does_not(headers: dict[str, str]) -> None:
    assert not is_known_to_client(headers, ETAG)


@pytest.mark.parametrize("given", [ETAG, "*", f'"x", {ETAG}', " * "])
def test_a_client_that_accepts_the_file_gets_it(given: str) -> None:
    require_same_file({"if-match": given}, ETAG)


@pytest.mark.parametrize("given", ['"x"', f"W/{ETAG}", "abc", ""])
def test_a_client_that_accepts_another_file_only_gets_none(given: str) -> None:
    with pytest.raises(FileChangedError):
        require_same_file({"if-match": given}, ETAG)


def test_a_range_says_where_it_is() -> None:
    end = ByteRange(500, 999, 1000)
    assert (end.size_bytes, end.content_range, end.is_to_the_end) == (500, "bytes 500-999/1000", True)
    assert not ByteRange(0, 998, 1000).is_to_the_end
