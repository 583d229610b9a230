"""Objects of the startup are exempt from garbage collection."""

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from entrypoints.bootstrap.garbage_collection import collect_rarely, exempt_startup_objects, leave_garbage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_exists_already_is_not_scanned_and_what_comes_later_is() -> None:
    early: list[object] = [[]]
    exempt_startup_objects()
    late: list[object] = [[]]
    scanned = {id(each) for each in gc.get_objects()}
    assert id(early) not in scanned
    assert id(late) in scanned


class Node:
    """An object that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


def test_cycles_that_are_garbage_already_are_freed() -> None:
    garbage = ref(Node())
    exempt_startup_objects()
    assert garbage() is None


def test_a_command_collects_rarely_and_a_server_as_usual_again() -> None:
    usual = gc.get_threshold()
    collect_rarely()
    rare = gc.get_threshold()
    exempt_startup_objects()
    assert rare[0] > 100 * usual[0]
    assert gc.get_threshold() == usual


def test_a_command_that_ends_leaves_its_garbage() -> None:
    early: list[object] = [[]]
    leave_garbage()
    assert id(early) not in {id(each) for each in gc.get_objects()}
