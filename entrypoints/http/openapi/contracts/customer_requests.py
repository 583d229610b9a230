"""The operations of what customers ask for."""

from domain.order.errors import AskedTooOftenError, RedoRefusedError
from domain.ports.unit_of_work import VersionConflictError
from entrypoints.http import errors
from entrypoints.http.openapi import view_examples
from entrypoints.http.openapi.contracts.common import HTML, KEYED, LINK, REPLAYED
from entrypoints.http.openapi.operations import (
    IDEMPOTENCY_KEY,
    Answer,
    documented,
)

_ACCEPTED = {
    202: Answer(
        description=f"Accepted; the result comes by e-mail. {HTML}",
        example=view_examples.ACCEPTED,
        headers=REPLAYED,
    )
}
ASK_FOR_REDO = documented(
    "Requests",
    *KEYED,
    *LINK,
    RedoRefusedError,
    VersionConflictError,
    parameters=[IDEMPOTENCY_KEY],
    answers=_ACCEPTED,
)
ASK_FOR_LINK = documented(
    "Requests",
    *KEYED,
    AskedTooOftenError,
    VersionConflictError,
    parameters=[IDEMPOTENCY_KEY],
    answers=_ACCEPTED,
)
ASK_FOR_MAIL = documented(
    "Requests",
    *KEYED,
    errors.UnknownOrderError,
    AskedTooOftenError,
    RedoRefusedError,
    VersionConflictError,
    parameters=[IDEMPOTENCY_KEY],
    answers=_ACCEPTED,
)
