"""The OpenAPI document is complete, and its examples are real."""

from typing import Any

import jsonschema_rs
import pytest
from litestar.serialization import decode_json, encode_json

from entrypoints.http.openapi.problem_examples import example_of
from entrypoints.http.problem_details import problem_of
from entrypoints.http.problem_kinds import FRAMEWORK_KINDS, INTERNAL, KINDS
from tests.entrypoints.support.http_fixtures import ApiClient, HttpShop, application

#: Problems of undocumented requests: another method, a form of a page, staff commands.
UNDOCUMENTED = {"method-not-allowed", "form-expected", "image-unknown"}

Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = decode_json(encode_json(application(HttpShop()).openapi_schema.to_schema()))
    return found


def operations(document: dict[str, Any]) -> list[Operation]:
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def contents(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The content of each response, with its place."""
    return [
        (f"{method} {path} {status} {media_type}", content)
        for path, method, operation in operations(document)
        for status, response in operation["responses"].items()
        for media_type, content in response.get("content", {}).items()
    ]


def test_each_operation_is_described_and_has_one_id(document: dict[str, Any]) -> None:
    found = operations(document)
    assert all(operation["summary"].endswith(".") for _, _, operation in found)
    assert all(operation["tags"] for _, _, operation in found)
    ids = [operation["operationId"] for _, _, operation in found]
    assert len(ids) == len(set(ids))
    tags = {tag["name"] for tag in document["tags"]}
    assert {tag for _, _, operation in found for tag in operation["tags"]} == tags


def test_each_operation_says_how_it_succeeds_and_fails(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        statuses = set(operation["responses"])
        assert {status[0] for status in statuses} >= {"2", "4", "5"} or "303" in statuses, (method, path)
        assert {"400", "500", "503"} <= statuses, (method, path)
        assert ("{" in path) <= ("404" in statuses), (method, path)


def test_each_document_has_an_example_that_its_schema_accepts(document: dict[str, Any]) -> None:
    for place, content in contents(document):
        if "json" not in place:
            continue
        schema = {**content["schema"], "components": document["components"]}
        examples = [example["value"] for example in content["examples"].values()]
        assert examples, place
        for example in examples:
            jsonschema_rs.validator_for(schema).validate(example)


def test_each_problem_of_the_shop_is_documented(document: dict[str, Any]) -> None:
    documented = {
        name for place, content in contents(document) if "problem" in place for name in content["examples"]
    }
    kinds = [*KINDS.values(), *FRAMEWORK_KINDS.values(), INTERNAL]
    assert {kind.name for kind in kinds} - documented == UNDOCUMENTED


def test_an_example_of_a_problem_is_what_the_shop_answers() -> None:
    for error, kind in KINDS.items():
        try:
            example = example_of(error)
        except KeyError:
            continue  # a base class, or one of several that are answered alike
        assert problem_of(example).kind == kind


def test_each_header_of_a_repeatable_request_is_documented(document: dict[str, Any]) -> None:
    repeatable = {
        operation["operationId"]
        for _, _, operation in operations(document)
        if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", []))
    }
    assert repeatable == {
        "open_session",
        "open_checkout",
        "create_upload",
        "ask_for_redo",
        "ask_for_new_link",
        "ask_for_mail",
        "press_the_orders_button",
    }


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/uploads/0190f6a4-5b0e-7c1a-9d3e-2f4b6a8c0e12/photos", "GET, HEAD, OPTIONS, POST"),
        ("/api/download/a/archive", "GET, HEAD, OPTIONS, POST"),
        ("/health/live", "GET, HEAD, OPTIONS"),
    ],
)
def test_an_address_lists_all_its_methods(api: ApiClient, path: str, methods: str) -> None:
    assert api.http.options(path).headers["allow"] == methods
