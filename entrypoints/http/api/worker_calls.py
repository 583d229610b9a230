"""Calls of a scheduler outside that does the work of a worker."""

import hmac
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated

from litestar import post
from litestar.params import Parameter, PathParameter
from pydantic import SecretStr

from domain.use_cases.reconciliation.findings import Report
from entrypoints.http.dependencies import Given
from entrypoints.http.errors import UnknownWorkerError, WorkerCallRefusedError, WorkerCallsOffError
from entrypoints.http.get_routes import get
from entrypoints.http.openapi.contracts import service as contracts
from entrypoints.http.request_bodies import AnyRequest
from entrypoints.worker.worker_calls import Worker, WorkerCalls

#: Limits of one call; hosts that end a request sooner need fewer seconds.
MOST_REACTIONS, DEFAULT_REACTIONS = 500, 100
MOST_SECONDS, DEFAULT_SECONDS = 600, 25


@dataclass(frozen=True, kw_only=True)
class WorkerAccess:
    """What callers need to know, and what they then may call."""

    secret_key: SecretStr
    calls: WorkerCalls

    def calls_for(self, authorization: str) -> WorkerCalls:
        """The calls, for a request with the key; raises WorkerCallRefusedError."""
        scheme, _, given = authorization.partition(" ")
        expected = self.secret_key.get_secret_value()
        is_same = hmac.compare_digest(given.strip().encode(), expected.encode())
        if not is_same or scheme.lower() != "bearer":
            raise WorkerCallRefusedError
        return self.calls


@dataclass(frozen=True, kw_only=True)
class ReconciliationView:
    """A reconciliation: findings that remain, by code, and repaired ones.

    ``cut_off`` has a sentence for each side that was not compared completely.
    """

    remaining: dict[str, int]
    repaired: int
    cut_off: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class WorkerCallView:
    """What a call has done.

    ``performed`` counts reactions by kind. ``tasks`` has the result of each task: how many things it changed, or why it
    failed. ``is_more``: the limits ended the work, so call again soon. ``is_finished``: false while the process still
    finishes what it has begun.
    """

    worker: str
    performed: dict[str, int]
    failed: int
    tasks: dict[str, int | str | None]
    reconciliation: ReconciliationView | None
    is_more: bool
    is_finished: bool
    seconds: float


@dataclass(frozen=True, kw_only=True)
class CallerView:
    """A caller's address as the API sees it, and the version.

    ``shop`` names the newest LINK_SIGNING_KEY, and does not reveal it.
    """

    client: str | None
    version: str
    shop: str


@get("/api/workers", sync_to_thread=False, **contracts.SHOW_CALLER)
def show_caller(worker_access: Given[WorkerAccess | None], request: AnyRequest) -> CallerView:
    """Show what the API sees of a caller.

    `restoreclick doctor` learns from it whether proxies in front are set up.
    """
    calls = _authorized(worker_access, request)
    client = request.client.host if request.client is not None else None
    return CallerView(client=client, version=version("restoreclick"), shop=calls.shop)


@post("/api/workers/{worker:str}", status_code=200, sync_to_thread=True, **contracts.CALL_WORKER)
def call_worker(
    worker_access: Given[WorkerAccess | None],
    request: AnyRequest,
    worker: Annotated[str, PathParameter(enum=list(Worker))],
    reactions: Annotated[
        int, Parameter(ge=1, le=MOST_REACTIONS, description="How many reactions to perform at most.")
    ] = DEFAULT_REACTIONS,
    seconds: Annotated[
        int, Parameter(ge=1, le=MOST_SECONDS, description="How long to work at most.")
    ] = DEFAULT_SECONDS,
) -> WorkerCallView:
    """Do a piece of a worker's work.

    `restoration` stores, restores and packs photos, `email` sends e-mails, `sweeper` does both and issues refunds,
    `cleanup` runs the periodic tasks, `reconcile` compares the log with the providers if that is due. Safe beside
    running workers and other calls.
    """
    calls = _authorized(worker_access, request)
    if worker not in set(Worker):
        raise UnknownWorkerError(Worker)
    began = time.monotonic()
    report = calls.call(Worker(worker), reactions=reactions, seconds=seconds)
    return WorkerCallView(
        worker=worker,
        performed=dict(report.performed),
        failed=report.failed,
        tasks=dict(report.tasks),
        reconciliation=reconciliation_view(report.reconciliation) if report.reconciliation else None,
        is_more=report.is_more,
        is_finished=report.is_finished,
        seconds=round(time.monotonic() - began, 3),
    )


def _authorized(worker_access: WorkerAccess | None, request: AnyRequest) -> WorkerCalls:
    """The calls, for a request with the key.

    Raises WorkerCallRefusedError or, for a request with some key, WorkerCallsOffError.
    """
    given = request.headers.get("authorization")
    if given is None:
        raise WorkerCallRefusedError
    if worker_access is None:
        raise WorkerCallsOffError
    return worker_access.calls_for(given)


def reconciliation_view(report: Report) -> ReconciliationView:
    """Codes and numbers only: the log has the ids."""
    remaining: dict[str, int] = {}
    for finding in report.remaining:
        remaining[finding.what.value] = remaining.get(finding.what.value, 0) + 1
    return ReconciliationView(
        remaining=remaining,
        repaired=len(report.findings) - len(report.remaining),
        cut_off={side.value: reason for side, reason in report.cut_off.items()},
    )
