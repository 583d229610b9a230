"""The reference page of the API, made of the OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from litestar import Litestar, Response
from litestar.serialization import decode_json, encode_json

from entrypoints.http.get_routes import get
from entrypoints.http.pages import html_pages
from entrypoints.http.pages.site import visit_of
from entrypoints.http.request_bodies import AnyRequest

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response of an operation; problems are listed by name and sentence."""

    status: str
    description: str
    media_types: tuple[str, ...]
    headers: Mapping[str, str]
    example: str | None
    problems: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one address."""

    operation_id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Mapping[str, Any], ...]
    body_types: tuple[str, ...]
    body_example: str | None
    answers: tuple[Answer, ...]


@get("/reference", include_in_schema=False, sync_to_thread=True)
def show_reference(request: AnyRequest) -> Response[Any]:
    """Show what the OpenAPI document says, in English."""
    document, sections = _reference(request.app)
    return html_pages.page(
        "reference",
        visit_of(request).in_english(),
        is_public=True,
        about=document["info"],
        sections=sections,
    )


@lru_cache(maxsize=1)
def _reference(app: Litestar) -> tuple[Document, tuple[tuple[Document, tuple[Operation, ...]], ...]]:
    """The document, and its operations by tag."""
    # Its texts mark code by backticks, in Markdown; on the page they are plain.
    document: Document = decode_json(encode_json(app.openapi_schema.to_schema()).replace(b"`", b""))
    sections = tuple((tag, tuple(_operations(document, tag["name"]))) for tag in document["tags"])
    return document, sections


def _operations(document: Document, tag: str) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if tag not in operation["tags"] or operation["operationId"].endswith("_head"):
                continue
            body = operation.get("requestBody", {}).get("content", {})
            yield Operation(
                operation_id=operation["operationId"],
                method=method.upper(),
                path=path,
                summary=operation["summary"],
                description=operation.get("description", ""),
                parameters=tuple(operation.get("parameters", ())),
                body_types=tuple(body),
                body_example=_example(body),
                answers=tuple(
                    _answer(status, each) for status, each in sorted(operation["responses"].items())
                ),
            )


def _answer(status: str, response: Mapping[str, Any]) -> Answer:
    content = response.get("content", {})
    is_problem = "application/problem+json" in content
    examples = content["application/problem+json"]["examples"] if is_problem else {}
    return Answer(
        status=status,
        description="" if is_problem else response["description"],
        media_types=tuple(content),
        headers={name: each["description"] for name, each in response.get("headers", {}).items()},
        example=None if is_problem else _example(content),
        problems=tuple((name, each["value"]["detail"]) for name, each in examples.items()),
    )


def _example(content: Mapping[str, Any]) -> str | None:
    """The example of a body or response, as indented JSON."""
    for media_type in content.values():
        for example in media_type.get("examples", {}).values():
            return json.dumps(example["value"], indent=2, ensure_ascii=False)
    return None
