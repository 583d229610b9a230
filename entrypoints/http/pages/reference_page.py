"""The reference page of the API, made of the OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from litestar import Litestar, Response
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect
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


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Operations by tag, and problems by name.

    Of a problem, its status and an example of its detail.
    """

    about: Document
    sections: tuple[tuple[Document, tuple[Operation, ...]], ...]
    problems: Mapping[str, tuple[str, str]]


@get("/reference", include_in_schema=False, sync_to_thread=True)
def show_reference(request: AnyRequest) -> Response[Any]:
    """Show what the OpenAPI document says, in English."""
    reference = _reference(request.app)
    return html_pages.page(
        "reference",
        visit_of(request).in_english(),
        is_public=True,
        about=reference.about,
        sections=reference.sections,
        problems=reference.problems,
    )


@get("/problems/{problem:str}", include_in_schema=False, sync_to_thread=True)
def show_problem(request: AnyRequest, problem: FromPath[str]) -> Redirect:
    """Lead from a problem's type to its place on the reference page."""
    if problem not in _reference(request.app).problems:
        raise NotFoundException
    return Redirect(visit_of(request).site.address(f"/reference#problem-{problem}"), status_code=303)


@lru_cache(maxsize=1)
def _reference(app: Litestar) -> Reference:
    # Its texts mark code by backticks, in Markdown; on the page they are plain.
    document: Document = decode_json(encode_json(app.openapi_schema.to_schema()).replace(b"`", b""))
    sections = tuple((tag, tuple(_operations(document, tag["name"]))) for tag in document["tags"])
    answers = [answer for _, operations in sections for each in operations for answer in each.answers]
    problems = {name: (answer.status, detail) for answer in answers for name, detail in answer.problems}
    return Reference(about=document["info"], sections=sections, problems=dict(sorted(problems.items())))


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
