"""Refused staff actions, checked in the words that staff read."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adapters.localization.refusal_messages import error_text
from domain.use_cases.support.action_refusals import ActionRefusedError


@contextmanager
def refused(match: str) -> Iterator[None]:
    """Expect an ActionRefusedError whose text matches."""
    with pytest.raises(ActionRefusedError) as refusal:
        yield
    assert re.search(match, error_text(refusal.value))
