"""Paged lists, and expansion of nested objects."""

from collections.abc import Callable
from typing import Any

from sandbox.twins.common import Json
from sandbox.twins.stripe import form_values
from sandbox.twins.stripe.account import Account
from sandbox.twins.stripe.errors import StripeError

DEFAULT_LIMIT = 10
HIGHEST_LIMIT = 100
PAGING = frozenset({"created", "ending_before", "expand", "limit", "starting_after"})

_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda created, bound: created > bound,
    "gte": lambda created, bound: created >= bound,
    "lt": lambda created, bound: created < bound,
    "lte": lambda created, bound: created <= bound,
}
#: Fields that contain an id, and the kind of its object.
_EXPANDABLE = {"charge": "charge", "latest_charge": "charge", "payment_intent": "payment_intent"}


def listed(
    account: Account, kind: str, url: str, params: Json, filters: frozenset[str] = frozenset()
) -> Json:
    """Return a page of a kind's matching objects, newest first.

    `filters` are the fields that can be matched by value.
    """
    form_values.known(params, PAGING | {name.partition(".")[0] for name in filters})
    equal = {name: value for name in filters if (value := _at(params, name)) is not None}
    return paged(
        [one for one in account.ledger.find(kind, **equal) if created_within(one, params)], url, params
    )


def paged(found: list[Json], url: str, params: Json) -> Json:
    """Return one page of the objects found."""
    limit = form_values.whole(params.get("limit", str(DEFAULT_LIMIT)), "limit", at_least=1)
    if limit > HIGHEST_LIMIT:
        raise StripeError(f"This value must be less than or equal to {HIGHEST_LIMIT}.", param="limit")
    if "ending_before" in params:
        before = found[: _position(found, params["ending_before"], "ending_before")]
        data, has_more = before[-limit:], len(before) > limit
    else:
        start = (
            _position(found, params["starting_after"], "starting_after") + 1
            if "starting_after" in params
            else 0
        )
        data, has_more = found[start : start + limit], len(found) > start + limit
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def created_within(one: Json, params: Json) -> bool:
    """Whether an object matches `created`: a time, or gt, gte, lt, lte."""
    bounds = params.get("created", {})
    if isinstance(bounds, str):
        return bool(one["created"] == form_values.whole(bounds, "created", at_least=0))
    return all(
        _COMPARISONS[form_values.one_of(name, "created", _COMPARISONS)](
            one["created"], form_values.whole(bound, f"created[{name}]", at_least=0)
        )
        for name, bound in bounds.items()
    )


def line_items(account: Account, session_id: str, params: Json) -> Json:
    """List a session's line items in order."""
    account.load("checkout.session", session_id, "session")
    items = (account.ledger.get("line_items", session_id) or {"data": []})["data"]
    return paged(items, f"/v1/checkout/sessions/{session_id}/line_items", params)


def expand(account: Account, answer: Json, params: Json) -> Json:
    """Expand the fields that `expand` names, e.g. `data.payment_intent.latest_charge`."""
    for path in params.get("expand", []):
        _expand(account, answer, path.split("."), path)
    return answer


def _expand(account: Account, inside: Json, path: list[str], whole_path: str) -> None:
    field, *rest = path
    if field == "data" and inside["object"] == "list":
        for one in inside["data"]:
            _expand(account, one, rest, whole_path)
    elif field == "line_items" and inside["object"] == "checkout.session":
        inside["line_items"] = line_items(account, inside["id"], {})
    elif field in _EXPANDABLE and field in inside:
        if isinstance(inside[field], str):
            inside[field] = account.load(_EXPANDABLE[field], inside[field])
        if rest and inside[field] is not None:
            _expand(account, inside[field], rest, whole_path)
    else:
        raise StripeError(f"This property cannot be expanded ({whole_path}).", param="expand")


def _at(params: Json, name: str) -> Any:
    value: Any = params
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _position(found: list[Json], object_id: str, param: str) -> int:
    for position, one in enumerate(found):
        if one["id"] == object_id:
            return position
    raise StripeError(f"No such object: '{object_id}'", code="resource_missing", param=param)
