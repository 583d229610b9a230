"""Fifty worlds in which every law holds; the same seed is the same world, whoever runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.cast import FORGER, STAFF, visitor
from tests.simulation.faults import Plan
from tests.simulation.running import run

#: So few that fifty worlds take a test suite's time, and enough to meet one another.
VISITORS = 6


@pytest.mark.parametrize("first", range(1, 51, 10))
def test_every_law_holds_in_ten_worlds(first: int) -> None:
    for seed in range(first, first + 10):
        outcome = run(seed, VISITORS)
        assert outcome.holds, "\n".join([f"seed {seed}: {outcome.sentence}", *outcome.timeline])


def test_without_faults_every_order_that_is_paid_is_completed_without_a_recovery() -> None:
    cast = [visitor(number, habit="pay", deed="fetch", photos=2) for number in range(1, 5)]
    outcome = run(5, cast, plan=Plan(rates_are_zero=True))
    assert outcome.holds, outcome.sentence
    assert outcome.ended == {"completed": len(cast)}
    assert not outcome.struck
    assert outcome.recoveries["work of a dead worker was taken over"] == 0


def test_the_same_seed_is_the_same_world_in_a_process_that_hashes_otherwise() -> None:
    script = f"from tests.simulation.running import run; print(run(7, {VISITORS}).digest)"
    digests = {
        subprocess.run(  # noqa: S603 -- our own words
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(digests) == 1
    assert digests == {f"{run(7, VISITORS).digest}\n"}


def test_taking_out_one_fault_leaves_the_others_where_they_were() -> None:
    cast = [visitor(1, habit="pay", deed="fetch", photos=1), STAFF, FORGER]
    whole = run(31, cast)
    assert len(whole.struck) > 20
    rest = frozenset(whole.struck[:-1])
    assert run(31, cast, plan=Plan(only=rest)).struck == whole.struck[:-1]
    assert run(31, cast, plan=Plan(only=frozenset(whole.struck))).digest == whole.digest
