"""The operations of webhooks, health and calls of workers."""

from domain.ports.errors import (
    DatabaseBehindError,
    ForgedMessageError,
)
from domain.ports.unit_of_work import VersionConflictError
from entrypoints.http import errors
from entrypoints.http.openapi import view_examples
from entrypoints.http.openapi.contracts.common import BODY
from entrypoints.http.openapi.operations import (
    Answer,
    documented,
    header,
)
from entrypoints.worker.worker_calls import WorkerBusyError

WEBHOOK = documented(
    "Webhooks",
    *BODY,
    ForgedMessageError,
    VersionConflictError,
    DatabaseBehindError,
    answers={200: Answer(description="The event is recorded, or was before.", media_types=())},
)
LIVE = documented(
    "Health",
    answers={200: Answer(description="The process answers.", example={"status": "ok", "version": "0.2.0"})},
)
READY = documented(
    "Health",
    errors.NotReadyError,
    answers={
        200: Answer(
            description="The shop works; what is impaired is in checks.",
            example={
                "status": "ok",
                "version": "0.2.0",
                "checks": {"database": "ok", "storage": "ok", "log": "ok"},
            },
        )
    },
)
_WORKER_KEY = header(
    "Authorization",
    "`Bearer` and WORKER_SECRET_KEY.",
    is_required=True,
    example="Bearer the-key-of-this-shop-in-its-settings",
)
SHOW_CALLER = documented(
    "Workers",
    errors.WorkerCallRefusedError,
    errors.WorkerCallsOffError,
    parameters=[_WORKER_KEY],
    answers={200: Answer(description="What the API sees.", example=view_examples.CALLER)},
)
CALL_WORKER = documented(
    "Workers",
    errors.WorkerCallRefusedError,
    errors.WorkerCallsOffError,
    errors.UnknownWorkerError,
    WorkerBusyError,
    DatabaseBehindError,
    parameters=[_WORKER_KEY],
    answers={200: Answer(description="What was done.", example=view_examples.WORKER_CALL)},
)
