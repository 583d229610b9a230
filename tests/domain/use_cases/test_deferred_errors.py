"""The error of one item is raised after the others are handled."""

import pytest

from domain.use_cases.deferred_errors import deferring


def handle(items: list[Exception | str], handled: list[str]) -> None:
    """Handle each item, of which errors are raised."""
    with deferring(KeyError) as guard:
        for item in items:
            with guard():
                if isinstance(item, Exception):
                    raise item
                handled.append(item)
        handled.append("the end")


def test_the_last_error_is_raised_after_all_items_are_handled() -> None:
    handled: list[str] = []
    with pytest.raises(KeyError, match="second"):
        handle([KeyError("first"), "one", KeyError("second"), "two"], handled)
    assert handled == ["one", "two", "the end"]


def test_nothing_is_raised_if_no_item_fails() -> None:
    handled: list[str] = []
    handle(["one", "two"], handled)
    assert handled == ["one", "two", "the end"]


def test_an_error_of_another_type_is_raised_at_once() -> None:
    handled: list[str] = []
    with pytest.raises(ValueError, match="now"):
        handle([KeyError("deferred"), ValueError("now"), "one"], handled)
    assert handled == []
