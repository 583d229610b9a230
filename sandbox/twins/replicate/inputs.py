"""Input validation in the API's words."""

from sandbox.twins.common import Json

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
}
_NAMES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def complaint(kind: str, field: str, description: str) -> Json:
    """Return one entry of `invalid_fields`."""
    return {"type": kind, "field": field, "description": description}


def complaints_about(field: str, value: object, schema: Json) -> list[Json]:
    """Return what is wrong with a value by its field's JSON schema."""
    if value is None and schema.get("nullable"):
        return []
    if not _is_a(schema["type"], value):
        given = _NAMES.get(type(value), "null")
        return [complaint("invalid_type", field, f"Invalid type. Expected: {schema['type']}, given: {given}")]
    allowed = schema.get("enum", [value])
    least, most = schema.get("minimum", value), schema.get("maximum", value)
    listed = ", ".join(f'"{one}"' for one in allowed)
    is_uri = str(value).startswith(("https://", "http://", "data:"))
    checks = (
        ("enum", value in allowed, f"{field} must be one of the following: {listed}"),
        ("format", schema.get("format") != "uri" or is_uri, "Does not match format 'uri'"),
        ("number_gte", least <= value, f"Must be greater than or equal to {least}"),
        ("number_lte", value <= most, f"Must be less than or equal to {most}"),
    )
    return [complaint(kind, field, description) for kind, is_right, description in checks if not is_right]


def _is_a(kind: str, value: object) -> bool:
    # In Python bool is a subclass of int, in JSON it is not.
    return isinstance(value, _TYPES[kind]) and (kind == "boolean") == isinstance(value, bool)
