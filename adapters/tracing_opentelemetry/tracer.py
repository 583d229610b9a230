"""Spans of requests, events, reactions and calls to providers.

One trace for each order:

    POST /api/webhooks/stripe            the request
    └── event PaymentReceived            what it recorded
        └── send MoveImages              what follows from it
            └── perform MoveImages       each attempt, in whatever process
                ├── s3 copy              calls to providers
                └── event ImagesMoved

A request's order is known only when something was recorded, so its spans are written at its end.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from adapters.tracing_opentelemetry.identifiers import GivenIds, span_id_of, trace_id_of
from domain.order.order import Order
from domain.ports.event_store import Commit
from domain.ports.observer import AttemptEnd, NoObserver
from domain.ports.reaction_queue import Claim

#: Of one request, and of requests whose commits another one made: further ones are left out.
MOST_CALLS, MOST_WAITING = 100, 1000

_FAILED = frozenset({AttemptEnd.RETRIED, AttemptEnd.GIVEN_UP, AttemptEnd.LEASE_LOST})

_SERVER_ERROR = 500

Attributes = Mapping[str, str | int | float]


@dataclass(frozen=True)
class _Call:
    """A call to a provider that has ended."""

    name: str
    started_ns: int
    ended_ns: int
    attributes: Attributes
    has_failed: bool


@dataclass(frozen=True)
class _Committed:
    """A commit and when it was made."""

    commit: Commit
    at_ns: int

    @property
    def cause(self) -> str | None:
        """What caused its events."""
        return self.commit.events[0].cause if self.commit.events else None


@dataclass
class _Request:
    """What happened in a request so far."""

    request_id: UUID
    started_ns: int
    cause: str | None = None
    calls: list[_Call] = field(default_factory=list)
    commits: list[_Committed] = field(default_factory=list)


_request: ContextVar[_Request | None] = ContextVar("request", default=None)


class OrderTracer(NoObserver):
    """Writes spans to a processor; thread-safe."""

    def __init__(self, processor: SpanProcessor, *, version: str, process: str) -> None:
        resource = Resource.create({"service.name": f"restoreclick-{process}", "service.version": version})
        self._ids = GivenIds()
        self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("restoreclick", version)
        self._lock = Lock()
        self._others: dict[str, list[_Committed]] = {}  # made by one request for another, by cause

    def close(self) -> None:
        """Export what is left."""
        self._provider.shutdown()

    def committed(self, commit: Commit) -> None:
        made = _Committed(commit, time.time_ns())
        request = _request.get()
        if request is None:
            self._write_commit(made, _current_span_id(trace_id_of(commit.after.order_id)))
        elif request.cause is None or made.cause in {None, request.cause}:
            request.commits.append(made)
        else:
            self._keep_for_another(made)

    def attempting(self, claim: Claim, order: Order) -> AbstractContextManager[None]:
        return self._attempting(claim, order)

    def attempt_ended(self, claim: Claim, order: Order, end: AttemptEnd, took: timedelta) -> None:  # noqa: ARG002 -- the port's
        span = trace.get_current_span()
        span.set_attribute("restoreclick.outcome", end.value)
        if end in _FAILED:
            span.set_status(Status(StatusCode.ERROR))

    def call_ended(self, provider: str, call: str, seconds: float, error: BaseException | None) -> None:
        """A call to a provider returned or raised."""
        now = time.time_ns()
        attributes: dict[str, str | int | float] = {"peer.service": provider, "restoreclick.call": call}
        if error is not None:
            attributes["error.type"] = type(error).__name__
        ended = _Call(f"{provider} {call}", now - int(seconds * 1e9), now, attributes, error is not None)
        request = _request.get()
        if request is None:
            context = trace.get_current_span().get_span_context()
            if context.is_valid:
                self._write_call(ended, context.trace_id, context.span_id)
        elif len(request.calls) < MOST_CALLS:
            request.calls.append(ended)

    def request_began(self, request_id: UUID) -> None:
        """A request began in this context."""
        _request.set(_Request(request_id, time.time_ns()))

    def request_caused(self, cause: str) -> None:
        """Name the cause under which the present request is recorded."""
        if (request := _request.get()) is not None:
            request.cause = cause

    def request_ended(self, method: str, path: str, status: int, order_id: UUID | None) -> None:
        """The present request was answered; ``order_id`` if its address names one."""
        request = _request.get()
        if request is None:
            return
        _request.set(None)
        commits = [*request.commits, *self._made_by_others(request.cause)]
        about = order_id or next((each.commit.after.order_id for each in commits), request.request_id)
        trace_id = trace_id_of(about)
        span = self._start(
            f"{method} {path}",
            trace_id,
            kind=SpanKind.SERVER,
            started_ns=request.started_ns,
            attributes={
                "http.request.method": method,
                "http.route": path,
                "http.response.status_code": status,
                "restoreclick.request_id": str(request.request_id),
            },
        )
        span_id = span.get_span_context().span_id
        for call in request.calls:
            self._write_call(call, trace_id, span_id)
        for each in commits:
            is_mine = trace_id_of(each.commit.after.order_id) == trace_id
            self._write_commit(each, span_id if is_mine else None)
        if status >= _SERVER_ERROR:
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    @contextmanager
    def _attempting(self, claim: Claim, order: Order) -> Iterator[None]:
        kind = type(claim.reaction).__name__
        attributes: dict[str, str | int | float] = {
            "restoreclick.reaction_id": str(claim.reaction_id),
            "restoreclick.order_id": str(order.order_id),
            "restoreclick.attempt": claim.attempts,
        }
        if order.payment is not None:
            attributes["restoreclick.order_number"] = order.payment.order_number
        span = self._start(
            f"perform {kind}",
            trace_id_of(order.order_id),
            parent_id=span_id_of(str(claim.reaction_id)),
            kind=SpanKind.CONSUMER,
            attributes=attributes,
        )
        # An error's text may quote what a customer sent: its kind is in the outcome and in the calls.
        with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            yield

    def _write_commit(self, made: _Committed, parent_id: int | None) -> None:
        commit = made.commit
        trace_id = trace_id_of(commit.after.order_id)
        for recorded in commit.events:
            span = self._start(
                f"event {type(recorded.event).__name__}",
                trace_id,
                parent_id=parent_id,
                started_ns=made.at_ns,
                attributes={
                    "restoreclick.event_id": str(recorded.event_id),
                    "restoreclick.version": recorded.version,
                    "restoreclick.actor": recorded.actor.partition(":")[0],
                },
            )
            span.end(made.at_ns)
            sender_id = span.get_span_context().span_id
        for scheduled in commit.reactions:
            span = self._start(
                f"send {type(scheduled.reaction).__name__}",
                trace_id,
                parent_id=sender_id if commit.events else parent_id,
                span_id=span_id_of(str(scheduled.reaction_id)),
                kind=SpanKind.PRODUCER,
                started_ns=made.at_ns,
                attributes={"restoreclick.reaction_id": str(scheduled.reaction_id)},
            )
            span.end(made.at_ns)

    def _write_call(self, call: _Call, trace_id: int, parent_id: int) -> None:
        span = self._start(
            call.name,
            trace_id,
            parent_id=parent_id,
            kind=SpanKind.CLIENT,
            started_ns=call.started_ns,
            attributes=call.attributes,
        )
        if call.has_failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(call.ended_ns)

    def _start(
        self,
        name: str,
        trace_id: int,
        *,
        parent_id: int | None = None,
        span_id: int | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        started_ns: int | None = None,
        attributes: Attributes,
    ) -> Span:
        self._ids.give(trace_id, span_id)
        context = Context()
        if parent_id is not None:
            parent = SpanContext(
                trace_id, parent_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
            )
            context = trace.set_span_in_context(NonRecordingSpan(parent), context)
        return self._tracer.start_span(
            name, context=context, kind=kind, start_time=started_ns, attributes=attributes
        )

    def _keep_for_another(self, made: _Committed) -> None:
        with self._lock:
            if made.cause is not None and len(self._others) < MOST_WAITING:
                self._others.setdefault(made.cause, []).append(made)

    def _made_by_others(self, cause: str | None) -> list[_Committed]:
        with self._lock:
            return self._others.pop(cause, []) if cause is not None else []


def _current_span_id(trace_id: int) -> int | None:
    """The thread's current span, if it belongs to this trace."""
    context = trace.get_current_span().get_span_context()
    return context.span_id if context.is_valid and context.trace_id == trace_id else None
