"""Ids of traces and spans that several processes compute alike.

No context has to be passed on with a reaction, so none is stored: its sender and its performer know its id.
"""

import hashlib
import random
from threading import local
from uuid import UUID

from opentelemetry.sdk.trace.id_generator import IdGenerator


def trace_id_of(correlation_id: UUID) -> int:
    """The trace of an order, or of a request without one."""
    return correlation_id.int


def span_id_of(text: str) -> int:
    """The span of something with a name, such as a reaction's id."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) or 1


class GivenIds(IdGenerator):
    """Generates given ids for a thread's next span, or random ones."""

    def __init__(self) -> None:
        self._given = local()

    def give(self, trace_id: int, span_id: int | None) -> None:
        """Set the ids of the next span that this thread starts."""
        self._given.trace_id, self._given.span_id = trace_id, span_id

    def generate_trace_id(self) -> int:
        return getattr(self._given, "trace_id", None) or random.getrandbits(128) or 1

    def generate_span_id(self) -> int:
        span_id, self._given.span_id = getattr(self._given, "span_id", None), None
        return span_id or random.getrandbits(64) or 1
