"""Tries mutants in one pytest session, each in a forked process."""

import os
import resource
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from multiprocessing import Value
from time import perf_counter
from typing import NoReturn

import pytest
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

from tests.mutants.drawing import Mutant

#: A mutant that fills the memory must not take the machine's.
_MEMORY = 4 * 2**30


class Trial:
    """Run the tests unchanged, then for each mutant those of its function.

    A pytest plugin: a mutant's tests are those that call its function when nothing is changed.

    Attributes:
        verdicts: "killed", "survived" or "not reached" of each mutant.
    """

    def __init__(self, mutants: Sequence[Mutant], is_about: Callable[[Mutant, str], bool]) -> None:
        self._mutants = mutants
        self._is_about = is_about
        self._seconds: dict[pytest.Item, float] = {}
        self._reaching: dict[str, list[pytest.Item]] = defaultdict(list)
        self._failed = Value("i")
        self.verdicts: dict[Mutant, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the session's tests as described, instead of each once."""
        self._run_unchanged(session.items)
        if session.testsfailed:
            pytest.exit("The tests fail without a mutant: mend them first.", returncode=2)
        killers = set()
        for number, mutant in enumerate(self._mutants, start=1):
            tests = [test for test in self._reaching[mutant.function] if self._is_about(mutant, test.nodeid)]
            tests.sort(key=self._seconds.__getitem__)
            noticed = self._is_noticed(session, mutant.name, tests)
            self.verdicts[mutant] = "killed" if noticed else "survived" if tests else "not reached"
            if noticed:
                killers.add(tests[self._failed.value])
            sys.stderr.write(f"{number} {mutant.place} {self.verdicts[mutant]}\n")
        if self._is_noticed(session, "", list(killers)):
            pytest.exit("A test that failed with a mutant also fails without one.", returncode=2)
        return True

    def _run_unchanged(self, tests: Sequence[pytest.Item]) -> None:
        set_mutant_under_test("stats")
        for test, following in zip(tests, [*tests[1:], None], strict=True):
            started = perf_counter()
            test.config.hook.pytest_runtest_protocol(item=test, nextitem=following)
            self._seconds[test] = perf_counter() - started
            for function in state()._stats:  # noqa: SLF001 - mutmut has no public name for it
                self._reaching[function].append(test)
            state()._stats.clear()  # noqa: SLF001

    def _is_noticed(self, session: pytest.Session, mutant: str, tests: Sequence[pytest.Item]) -> bool:
        process = os.fork()
        if not process:
            self._try(session, mutant, tests)
        return os.waitpid(process, 0)[1] != 0

    def _try(self, session: pytest.Session, mutant: str, tests: Sequence[pytest.Item]) -> NoReturn:
        """End this process with 0 if all tests pass."""
        try:
            resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
            session.config.pluginmanager.unregister(name="terminalreporter")
            set_mutant_under_test(mutant)
            for number, test in enumerate(tests):
                self._failed.value = number
                following = tests[number + 1] if number + 1 < len(tests) else None
                test.config.hook.pytest_runtest_protocol(item=test, nextitem=following)
                if session.testsfailed:
                    break
            else:
                os._exit(0)
        finally:
            os._exit(1)
