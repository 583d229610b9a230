"""The error that lists missing and malformed settings in plain words."""

from collections.abc import Iterable, Mapping
from typing import Self

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from entrypoints.command_errors import MisuseError

#: A phrase for each type of error. The placeholders are limits, never the value, which may be a secret.
_WORDS: Mapping[str, str] = {
    "too_short": "it has fewer than {min_length} characters",
    "string_too_short": "it has fewer than {min_length} characters",
    "too_long": "it names more than {max_length}",
    "int_parsing": "it is no whole number",
    "float_parsing": "it is no number",
    "greater_than": "it is not more than {gt:g}",
    "greater_than_equal": "it is less than {ge:g}",
    "less_than_equal": "it is more than {le:,.0f}",
    "string_pattern_mismatch": "it has another form",
    "url_parsing": "it is no address",
    "url_scheme": "it does not begin with {expected_schemes} and ://",
    "dict_type": "it is no JSON object",
    **dict.fromkeys(
        ["string_type", "int_type", "float_type", "bool_type"],
        "its values have to be texts, numbers, true or false",
    ),
}


class SettingsError(MisuseError):
    """Settings are missing or malformed; ``problems`` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        listed = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"These settings are missing or malformed; put them into the environment:\n{listed}")

    @classmethod
    def of(cls, details: Iterable[ErrorDetails], fields: Mapping[str, FieldInfo]) -> Self:
        """The error for pydantic's details, each problem once."""
        return cls(list(dict.fromkeys(_problem(detail, fields) for detail in details)))


def _problem(detail: ErrorDetails, fields: Mapping[str, FieldInfo]) -> str:
    name = str(detail["loc"][0])
    wrong = "is missing" if detail["type"] == "missing" else f"is malformed ({_complaint(detail)})"
    return f"{name.upper()} {wrong}: {fields[name].description}."


def _complaint(detail: ErrorDetails) -> str:
    """Why a setting is malformed, as part of a sentence."""
    words = _WORDS.get(detail["type"])
    if words is None:
        return detail["msg"].removeprefix("Value error, ").rstrip(".")
    return words.format_map(detail.get("ctx", {}))
