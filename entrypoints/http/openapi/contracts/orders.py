"""The operations of orders."""

from litestar.openapi.spec import OpenAPIType, Schema

from entrypoints.http import errors
from entrypoints.http.openapi import view_examples
from entrypoints.http.openapi.contracts.common import HTML, NOT_MODIFIED, VERSIONED
from entrypoints.http.openapi.operations import (
    IF_NONE_MATCH,
    Answer,
    documented,
    header,
)

SHOW_ORDER = documented(
    "Orders",
    errors.UnknownOrderError,
    parameters=[IF_NONE_MATCH],
    answers={
        200: Answer(description="The order.", example=view_examples.ORDER, headers=VERSIONED),
        304: NOT_MODIFIED,
    },
)

SHOW_PROGRESS = documented(
    "Orders",
    errors.UnknownOrderError,
    parameters=[IF_NONE_MATCH],
    answers={
        200: Answer(description=f"The progress. {HTML}", example=view_examples.PROGRESS, headers=VERSIONED),
        304: NOT_MODIFIED,
    },
)

FOLLOW_ORDER = documented(
    "Orders",
    errors.UnknownOrderError,
    errors.TooManyStreamsError,
    parameters=[header("Last-Event-ID", "The version that the client knows.")],
    answers={
        200: Answer(
            description="Events named `status`: their data is the progress as JSON, their id the order's version. "
            "The stream ends after some minutes, and once the order is over.",
            media_types=["text/event-stream"],
            schema=Schema(
                type=OpenAPIType.OBJECT,
                properties={
                    name: Schema(type=OpenAPIType.STRING) for name in ("event", "id", "data", "retry")
                },
            ),
        ),
        204: Answer(description="The order is over, and the client knows all of it.", media_types=()),
    },
)
