"""The circuit breaker: time-outs open it, an answered probe closes it."""

from threading import Barrier, Thread

import pytest

from adapters.circuit_breaker import CircuitBreaker
from domain.ports.errors import NoAnswerError, UnavailableError


class Seconds:
    """A clock that a test advances."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def breaker(clock: Seconds) -> CircuitBreaker:
    return CircuitBreaker("The storage", pause_seconds=5, monotonic=clock)


def fail_silently(breaker: CircuitBreaker, provider: str = "The storage") -> None:
    with pytest.raises(NoAnswerError), breaker.guard():
        raise NoAnswerError(provider, "it does not answer")


def assert_refused(breaker: CircuitBreaker, wait: float) -> None:
    with pytest.raises(UnavailableError) as refused, breaker.guard():
        pytest.fail("A call was let through.")
    assert not isinstance(refused.value, NoAnswerError)
    assert refused.value.retry_after_seconds == wait


def test_calls_pass_while_there_are_answers_even_if_these_are_errors(breaker: CircuitBreaker) -> None:
    for error in (UnavailableError("The storage", "no connection"), KeyError("unknown")):
        with pytest.raises(type(error)), breaker.guard():
            raise error
    with breaker.guard():
        pass


def test_a_time_out_makes_later_calls_fail_fast_with_a_wait(breaker: CircuitBreaker, clock: Seconds) -> None:
    fail_silently(breaker)
    assert_refused(breaker, 5)
    clock.now = 3
    assert_refused(breaker, 2)


def test_the_time_out_of_another_dependency_is_ignored(breaker: CircuitBreaker) -> None:
    fail_silently(breaker, provider="PostgreSQL")
    with breaker.guard():
        pass


def test_a_probe_that_is_answered_closes_it(breaker: CircuitBreaker, clock: Seconds) -> None:
    fail_silently(breaker)
    clock.now = 5
    for _ in range(2):
        with breaker.guard():
            pass


def test_an_error_is_an_answer_to_the_probe(breaker: CircuitBreaker, clock: Seconds) -> None:
    fail_silently(breaker)
    clock.now = 5
    for _ in range(2):
        with pytest.raises(UnavailableError, match="no bucket"), breaker.guard():
            raise UnavailableError("The storage", "no bucket")


def test_a_probe_that_times_out_opens_it_again(breaker: CircuitBreaker, clock: Seconds) -> None:
    fail_silently(breaker)
    clock.now = 5
    fail_silently(breaker)
    clock.now = 9
    assert_refused(breaker, 1)
    clock.now = 10
    with breaker.guard():
        pass


def test_while_a_probe_waits_the_next_is_let_through_after_a_pause_only(
    breaker: CircuitBreaker, clock: Seconds
) -> None:
    fail_silently(breaker)
    clock.now = 5
    with breaker.guard():
        assert_refused(breaker, 5)
        clock.now = 10
        with pytest.raises(NoAnswerError), breaker.guard():
            raise NoAnswerError("The storage", "it does not answer")
        assert_refused(breaker, 5)
    with breaker.guard():
        pass


def test_calls_do_not_wait_for_each_other(breaker: CircuitBreaker) -> None:
    all_inside = Barrier(4, timeout=30)

    def call() -> None:
        with breaker.guard():
            all_inside.wait()

    threads = [Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not all_inside.broken
