"""The copies of ``evolve`` equal those of the standard library."""

import dataclasses
from functools import cached_property

import pytest

from domain.order import image, ledger, order
from domain.order.replacement import replace
from tests.domain.support.event_builders import Facts
from tests.domain.support.given_when_then import given

VALUES = [
    kind
    for module in (order, image, ledger)
    for kind in vars(module).values()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and kind.__module__ == module.__name__
]


def test_a_copy_equals_that_of_the_standard_library_and_leaves_its_source_alone() -> None:
    before = given(*Facts().until_delivered()).order
    after = replace(before, version=before.version + 1, hold=None)
    assert after == dataclasses.replace(before, version=before.version + 1, hold=None)
    assert after.version == before.version + 1
    assert (before, type(after)) == (given(*Facts().until_delivered()).order, type(before))


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_no_value_of_the_aggregate_has_state_that_a_copy_would_share(kind: type) -> None:
    assert not hasattr(kind, "__post_init__")
    assert not hasattr(kind, "__slots__")
    assert not any(isinstance(member, cached_property) for member in vars(kind).values())
