"""Report each call of an adapter, with its duration and error."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from types import GeneratorType
from typing import Any, Protocol, TypeVar, cast

T = TypeVar("T")


class CallObserver(Protocol):
    """Is informed of each call that ended."""

    def call_ended(self, provider: str, call: str, seconds: float, error: BaseException | None) -> None:
        """Receive a call that returned or raised.

        A generator returns with its last value.
        """


def observed(adapter: T, provider: str, observers: Sequence[CallObserver]) -> T:
    """Wrap an adapter so that its public methods report their calls.

    Without observers it is returned as it is.
    """
    return cast("T", _Observed(adapter, provider, observers)) if observers else adapter


class _Observed:
    def __init__(self, adapter: object, provider: str, observers: Sequence[CallObserver]) -> None:
        self._adapter = adapter
        self._provider = provider
        self._observers = observers

    def __getattr__(self, name: str) -> Any:
        """Wrap a method when it is first used."""
        attribute = getattr(self._adapter, name)
        if name.startswith("_") or not callable(attribute):
            return attribute
        wrapped = self.__dict__[name] = self._wrapped(name, attribute)
        return wrapped

    def _wrapped(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                result = method(*arguments, **named)
            except BaseException as error:
                self._report(name, started, error)
                raise
            if isinstance(result, GeneratorType):
                return self._passed_on(name, started, result)
            self._report(name, started, None)
            return result

        return call

    def _passed_on(self, name: str, started: float, values: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from values
        except BaseException as error:
            self._report(name, started, None if isinstance(error, GeneratorExit) else error)
            raise
        self._report(name, started, None)

    def _report(self, name: str, started: float, error: BaseException | None) -> None:
        seconds = time.perf_counter() - started
        for observer in self._observers:
            observer.call_ended(self._provider, name, seconds, error)
