"""RFC 9457 problem documents."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException

from domain.order.errors import AskedTooOftenError
from domain.ports.errors import (
    DatabaseBehindError,
    ForgedMessageError,
    RefusedError,
    UnavailableError,
    UnreadableImageError,
)
from domain.ports.unit_of_work import UnitOfWorkError
from domain.use_cases.checkout.visitor_limits import StorageNearlyFullError, TooManyRequestsError
from domain.use_cases.idempotent_requests import RequestInProgressError
from entrypoints.bootstrap.wording import error_text, unreadable_text
from entrypoints.http import errors
from entrypoints.http.byte_ranges import UnsatisfiableRangeError
from entrypoints.http.pages.site import visit_of
from entrypoints.http.problem_kinds import FRAMEWORK_KINDS, INTERNAL, KINDS, RETRY_AFTER_SECONDS, Kind
from entrypoints.http.request_bodies import AnyRequest
from entrypoints.http.request_logging import request_id_of

MEDIA_TYPE = "application/problem+json"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The content of one problem response."""

    kind: Kind
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)


def answer(request: AnyRequest, error: Exception) -> Response[Any]:
    """Respond to an error, and log it where it needs attention."""
    problem = problem_of(error)
    if isinstance(error, UnreadableImageError):
        localization = visit_of(request).localization
        detail = unreadable_text(error, localization)
        if detail != problem.detail:
            vary = {"Content-Language": localization.language, "Vary": "Accept-Language, Cookie"}
            problem = replace(problem, detail=detail, headers={**problem.headers, **vary})
    note(request, problem, error)
    return response(request, problem)


def problem_of(error: Exception) -> Problem:
    """The problem that an error becomes.

    An error that the tables do not list is our defect: the response is 500 and discloses nothing of it.
    """
    if isinstance(error, HTTPException):
        return _framework_problem(error)
    kind = next((KINDS[known] for known in type(error).__mro__ if known in KINDS), INTERNAL)
    match error:
        case DatabaseBehindError():
            later = {"Retry-After": str(math.ceil(error.retry_after_seconds or RETRY_AFTER_SECONDS))}
            return Problem(kind=kind, detail=kind.detail or "", headers=later)
        case UnavailableError():
            wait = math.ceil(error.retry_after_seconds or RETRY_AFTER_SECONDS)
            detail = f"{error.provider} is not available: try again in {wait} seconds."
            return Problem(kind=kind, detail=detail, headers={"Retry-After": str(wait)})
        case RefusedError():
            detail = f"{error.provider} refuses this ({error.code or 'no code given'}): change it or ask us."
            return Problem(kind=kind, detail=detail)
        case errors.NotReadyError():
            retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return Problem(
                kind=kind, detail=str(error), headers=retry, extensions={"checks": dict(error.checks)}
            )
        case (
            AskedTooOftenError(wait=timedelta() as wait)
            | TooManyRequestsError(wait=wait)
            | StorageNearlyFullError(wait=wait)
        ):
            later = {"Retry-After": str(math.ceil(wait.total_seconds()))}
            return Problem(kind=kind, detail=str(error), headers=later)
        case UnsatisfiableRangeError():
            whole = {"Content-Range": f"bytes */{error.whole_bytes}", "Accept-Ranges": "bytes"}
            return Problem(kind=kind, detail=str(error), headers=whole)
        case UnitOfWorkError() | RequestInProgressError():
            detail = kind.detail or str(error)
            return Problem(kind=kind, detail=detail, headers={"Retry-After": "1"})
        case _:
            return Problem(kind=kind, detail=kind.detail or error_text(error), headers=kind.headers)


def response(request: AnyRequest, problem: Problem) -> Response[Any]:
    """The problem as a JSON response."""
    content = document(problem, request_id_of(request.scope))
    headers = {"Cache-Control": "no-store", **problem.headers}
    return Response(content, status_code=problem.kind.status, media_type=MEDIA_TYPE, headers=headers)


def document(problem: Problem, request_id: UUID) -> dict[str, Any]:
    """The problem document of a request."""
    return {
        "type": f"/problems/{problem.kind.name}",
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail,
        "instance": request_id.urn,
        "request_id": str(request_id),
        **problem.extensions,
    }


def note(request: AnyRequest, problem: Problem, error: Exception) -> None:
    """Name the problem in the request's log line; log details where needed.

    Internal errors are logged with their traceback; other server errors and forged messages as warnings.
    """
    request.scope["state"]["problem"] = problem.kind.name
    if problem.kind.status == INTERNAL.status:
        _log.error("request_failed", problem=problem.kind.name, exc_info=error)
    elif problem.kind.status > INTERNAL.status or isinstance(error, ForgedMessageError):
        _log.warning("request_refused", problem=problem.kind.name, reason=error_text(error))


def _framework_problem(error: HTTPException) -> Problem:
    kind = FRAMEWORK_KINDS.get(error.status_code)
    if kind is None and error.status_code >= INTERNAL.status:
        kind = INTERNAL
    if kind is None:
        kind = Kind(error.status_code, "request-refused", "The request is refused")
    detail = kind.detail or error.detail
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        wrong = [f"{each.get('key', 'body')}: {each['message']}" for each in error.extra]
        detail = f"Correct this and send it again: {'; '.join(wrong)}."
    return Problem(kind=kind, detail=detail, headers=error.headers or {})
