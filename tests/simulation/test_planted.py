"""For each law, the simulation finds a planted bug that breaks it."""

import pytest

from tests.simulation.laws.errors import SENTENCES
from tests.simulation.planted import PLANTED
from tests.simulation.shrinking import shrink
from tests.simulation.world_run import run

#: About as many lines as a reader follows.
A_PAGE = 40


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found_by_the_law_that_it_breaks(name: str) -> None:
    bug = PLANTED[name]
    assert any(bug.is_found_in(run(seed, plant=name)) for seed in bug.seeds)


def test_every_law_has_a_planted_bug() -> None:
    assert {bug.law for bug in PLANTED.values()} == set(SENTENCES)


def test_what_is_planted_is_gone_afterwards() -> None:
    name = "a read model forgets links"
    assert not run(PLANTED[name].found_by, plant=name).holds
    assert run(PLANTED[name].found_by).holds


def test_a_planted_bug_is_found_and_shrunk_without_http() -> None:
    name = "a read model forgets links"
    broken = run(PLANTED[name].found_by, plant=name, without_http=True)
    assert PLANTED[name].is_found_in(broken)
    shrunk = shrink(broken, plant=name)
    assert shrunk.outcome.without_http
    assert shrunk.command.endswith(" --services")


@pytest.mark.slow
def test_a_broken_law_is_shrunk_to_a_story_that_fits_a_page() -> None:
    name = "any worker may record an outcome"
    broken = run(PLANTED[name].found_by, plant=name)
    shrunk = shrink(broken, plant=name)
    assert shrunk.outcome.law == broken.law
    assert len(shrunk.participants) <= 2
    assert len(shrunk.faults) < len(broken.struck) / 10
    assert 0 < len(shrunk.outcome.timeline) <= A_PAGE
    assert f"--seed {broken.seed}" in shrunk.command
