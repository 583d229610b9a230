"""What pydantic found wrong with the settings, in plain words."""

from collections.abc import Iterable, Mapping

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from entrypoints.settings_errors import problem

#: A phrase for each type of error. The placeholders are limits, never the value, which may be a secret.
_WORDS: Mapping[str, str] = {
    "too_short": "it has fewer than {min_length} characters",
    "string_too_short": "it has fewer than {min_length} characters",
    "literal_error": "it has to be {expected}",
    "too_long": "it names more than {max_length}",
    "int_parsing": "it is no whole number",
    "float_parsing": "it is no number",
    "greater_than": "it is not more than {gt:g}",
    "greater_than_equal": "it is less than {ge:g}",
    "less_than_equal": "it is more than {le:,.0f}",
    "string_pattern_mismatch": "it has another form",
    "url_parsing": "write an address with its scheme, as in redis://127.0.0.1:6379/0",
    "url_scheme": "it does not begin with {expected_schemes} and ://",
    "dict_type": "it is no JSON object",
    **dict.fromkeys(
        ["string_type", "int_type", "float_type", "bool_type"],
        "its values have to be texts, numbers, true or false",
    ),
}


def problems(details: Iterable[ErrorDetails], fields: Mapping[str, FieldInfo]) -> list[str]:
    """A sentence for each problem in pydantic's details, each once."""
    return list(dict.fromkeys(_problem(detail, fields) for detail in details))


def _problem(detail: ErrorDetails, fields: Mapping[str, FieldInfo]) -> str:
    name = str(detail["loc"][0])
    wrong = "is missing" if detail["type"] == "missing" else f"is malformed ({_complaint(detail)})"
    return problem(name, wrong, fields[name].description)


def _complaint(detail: ErrorDetails) -> str:
    """Why a setting is malformed, as part of a sentence."""
    words = _WORDS.get(detail["type"])
    limits = detail.get("ctx", {})
    if detail["type"] == "too_short" and limits["actual_length"] == 0:
        words = "it is empty"
    if words is None:
        return detail["msg"].removeprefix("Value error, ").rstrip(".")
    return words.format_map(limits)
