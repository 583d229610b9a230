"""The type of a table of sentences about events."""

from collections.abc import Callable, Mapping
from typing import Any

from domain.order import events as e
from domain.use_cases.audit.timeline import TimelineEntry

#: A sentence for each type of event; its first letter need not be a capital.
Sentences = Mapping[type[e.Event], Callable[[Any, TimelineEntry], str]]
