"""A loop that handles every item and raises errors at its end."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager


@contextmanager
def deferring(error_type: type[Exception]) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Guard each item; raise the last guarded error at the end.

    Errors of other types, and those outside a guard, are raised at once.
    """
    errors: list[Exception] = []

    @contextmanager
    def guard() -> Iterator[None]:
        try:
            yield
        except error_type as error:
            errors.append(error)

    yield guard
    if errors:
        raise errors[-1]
