"""What handlers declare for the OpenAPI document, beside what their types show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    Example,
    Link,
    OpenAPIFormat,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.base import BaseSchemaObject
from litestar.serialization import decode_json, encode_json

from domain.ports.errors import UnavailableError
from entrypoints.http import problem_details
from entrypoints.http.errors import MalformedError
from entrypoints.http.openapi.problem_examples import (
    INTERNAL_ERROR,
    ProblemView,
    example_of,
    problem_example,
)
from entrypoints.http.problem_kinds import INTERNAL

#: Any request may fail in these ways.
_ALWAYS: tuple[type[Exception], ...] = (MalformedError, UnavailableError)

#: Registers the schema of problem documents.
_INTERNAL = ResponseSpec(ProblemView, generate_examples=False, media_type=problem_details.MEDIA_TYPE)
_BINARY = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
_STRING = Schema(type=OpenAPIType.STRING)


class JsonValue(BaseSchemaObject):
    """An example with its nulls, which the framework would leave out."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def to_schema(self) -> Any:
        """The value as it is."""
        return self._value


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a handler's types do not show of a response.

    ``media_types`` replaces the content by these types, bytes without a ``schema``; empty for none. ``headers`` and
    ``links`` are by name, a header with its description.
    """

    description: str | None = None
    media_types: Sequence[str] | None = None
    schema: Schema | None = None
    example: object | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)


def header(
    name: str,
    description: str,
    *,
    schema: Schema = _STRING,
    is_required: bool = False,
    example: str | None = None,
) -> Parameter:
    """A request header."""
    return Parameter(
        name=name,
        param_in="header",
        description=description,
        required=is_required,
        schema=schema,
        examples={"example": Example(value=example)} if example is not None else None,
    )


def idempotency_key(response: str) -> Parameter:
    """The header of a request whose repetition gets this response."""
    return header(
        "Idempotency-Key",
        "16 to 255 visible characters, new for each request, such as a UUID. A request that is repeated with its key"
        f" {response}, with Idempotency-Replayed: true.",
        schema=Schema(type=OpenAPIType.STRING, pattern="^[!-~]{16,255}$"),
        example="8f14e45f-ceea-4e17-8a1d-5d0a9c0e7a3b",
    )


IDEMPOTENCY_KEY = idempotency_key("within 24 hours gets the first response again")
IF_NONE_MATCH = header(
    "If-None-Match", "The ETag of what the client has: the response is 304 if it is current."
)


def binary_body(*media_types: str, is_required: bool = True) -> RequestBody:
    """A request body that is a file."""
    content = {media_type: OpenAPIMediaType(schema=_BINARY) for media_type in media_types}
    return RequestBody(content=content, required=is_required)


def link(operation_id: str, *, body: Any = None, **parameters: str) -> Link:
    """A link from a response to the operation that follows it."""
    given = {
        name: f"$response.body#/{pointer}" if "$" not in pointer else pointer
        for name, pointer in parameters.items()
    }
    return Link(operation_id=operation_id, parameters=given or None, request_body=body)


def documented(
    tag: str,
    *problems: type[Exception],
    answers: Mapping[int, Answer] | None = None,
    parameters: Sequence[Parameter] = (),
    body: RequestBody | None = None,
) -> dict[str, Any]:
    """Arguments for a handler's decorator that complete its documentation.

    ``problems`` are the errors that its requests can meet, beyond those that any request can.
    """

    @dataclass
    class DocumentedOperation(Operation):
        def __post_init__(self) -> None:
            self.tags = [tag]
            self.summary, _, details = (self.description or "").partition("\n")
            self.description = " ".join(details.split()) or None
            self.parameters = [*(self.parameters or []), *parameters] or None
            self.request_body = body or self.request_body
            assumed = self.responses or {}
            self.responses = {
                **_answers(assumed, answers or {}),
                **_problems(
                    _schema_in(assumed[str(INTERNAL.status)]),
                    [*problems, *self._failures_of_addresses(), *_ALWAYS],
                ),
            }
            if (self.operation_id or "").endswith("_head"):
                self.responses = {
                    status: replace(response, content=None, links=None)
                    for status, response in self.responses.items()
                    if isinstance(response, OpenAPIResponse)
                }

        def _failures_of_addresses(self) -> Sequence[type[Exception]]:
            """Of an address with an id: it may be none."""
            given = [each for each in self.parameters or [] if isinstance(each, Parameter)]
            return [NotFoundException] if any(each.param_in == "path" for each in given) else []

    return {
        "operation_class": DocumentedOperation,
        "responses": {INTERNAL.status: _INTERNAL},
    }


def _answers(
    known: Mapping[str, OpenAPIResponse | Reference], answers: Mapping[int, Answer]
) -> dict[str, OpenAPIResponse | Reference]:
    """The responses that the handler's types show, completed.

    Without those that the framework assumes for errors.
    """
    found: dict[str, OpenAPIResponse | Reference] = {
        status: response for status, response in known.items() if status < "400"
    }
    if answers and not set(found) & {str(status) for status in answers}:
        found.clear()  # the framework assumed another status
    for status, answer in answers.items():
        response = found.get(str(status))
        if not isinstance(response, OpenAPIResponse):
            like = next(iter(found.values()), None) if answer.example is not None else None
            content = like.content if isinstance(like, OpenAPIResponse) else None
            response = OpenAPIResponse(description="", content=content)
        found[str(status)] = _completed(response, answer, HTTPStatus(status).phrase)
    return found


def _completed(response: OpenAPIResponse, answer: Answer, phrase: str) -> OpenAPIResponse:
    content = response.content
    if answer.media_types is not None:
        schema = answer.schema or _BINARY
        content = {each: OpenAPIMediaType(schema=schema) for each in answer.media_types} or None
    if answer.example is not None and content:
        value = JsonValue(decode_json(encode_json(answer.example)))
        content = {
            name: replace(media_type, examples={"example": Example(value=value)})
            for name, media_type in content.items()
        }
    headers: dict[str, OpenAPIHeader | Reference] = {
        name: OpenAPIHeader(schema=_STRING, description=description)
        for name, description in answer.headers.items()
    }
    return replace(
        response,
        description=answer.description or phrase,
        content=content,
        headers=headers or None,
        links=dict(answer.links) or None,
    )


def _schema_in(response: OpenAPIResponse | Reference) -> Schema | Reference:
    """The schema of a response with one content."""
    if isinstance(response, Reference) or not response.content:
        raise AssertionError("The response has a content.")
    (content,) = response.content.values()
    if content.schema is None:
        raise AssertionError("The content has a schema.")
    return content.schema


def _problems(schema: Schema | Reference, errors: Sequence[type[Exception]]) -> dict[str, OpenAPIResponse]:
    """A response for each status, with an example of each problem."""
    examples: dict[int, dict[str, Example]] = {}
    for error in [*map(example_of, errors), INTERNAL_ERROR]:
        name, value = problem_example(error)
        examples.setdefault(value["status"], {})[name] = Example(
            summary=value["title"], value=JsonValue(value)
        )
    return {
        str(status): OpenAPIResponse(
            description="; ".join(str(example.summary) for example in by_name.values()),
            content={problem_details.MEDIA_TYPE: OpenAPIMediaType(schema=schema, examples=dict(by_name))},
        )
        for status, by_name in sorted(examples.items())
    }
