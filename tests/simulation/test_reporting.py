"""Reports fail for whatever was never exercised, and name the reproducing command."""

import shlex
from collections import Counter

import pytest

from entrypoints.cli.commands import simulate
from tests.entrypoints.support.shell import Shell
from tests.simulation.faults import AT, Fault
from tests.simulation.planted import PLANTED
from tests.simulation.reporting import ENOUGH_SEEDS, RECOVERIES, Report


def whole_report() -> Report:
    """A report after enough seeds, with everything exercised."""
    return Report(
        seeds=ENOUGH_SEEDS,
        tally=Counter({(kind, fault): 1 for kind, faults in AT.items() for fault in faults}),
        recoveries=Counter(RECOVERIES),
    )


def test_no_world_is_no_proof(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Shell(capsys)("simulate", "--seeds", "0")
    assert answer.status == 2
    assert "Every law held" not in answer.out
    assert "--seeds" in answer.err


def test_a_report_in_which_everything_was_exercised_holds() -> None:
    assert whole_report().holds


@pytest.mark.parametrize("recovery", RECOVERIES)
def test_a_recovery_that_was_never_exercised_fails_the_run(recovery: str) -> None:
    report = whole_report()
    del report.recoveries[recovery]
    assert (report.holds, report.unexercised) == (False, [recovery])


def test_a_fault_that_never_struck_fails_the_run() -> None:
    report = whole_report()
    del report.tally["mailer", Fault.TIMEOUT_AFTER]
    assert (report.holds, report.unexercised) == (False, ["mailer: time-out after the work"])


def test_a_world_that_was_another_the_second_time_fails_the_run() -> None:
    report = whole_report()
    report.unlike.append(7)
    assert not report.holds


@pytest.mark.slow
def test_the_command_reports_a_broken_law_and_how_to_see_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell(capsys)
    name = "a copy that failed counts"
    tried = (shell("simulate", "--seed", str(seed), "--plant", name) for seed in PLANTED[name].seeds)
    answer = next(answer for answer in tried if "Law 7" in answer.out)
    assert answer.status == 1
    command = next(line for line in answer.out.splitlines() if "restoreclick simulate --seed" in line)
    again = shell(*_words(command)[1:])
    assert (again.status, "Law 7" in again.out) == (1, True)


def test_a_world_in_which_every_law_holds_ends_with_zero(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Shell(capsys)("simulate", "--seed", "9", "--visitors", "2", "--no-faults")
    assert (answer.status, "every law held" in answer.out) == (0, True)


def test_without_the_source_the_command_says_where_the_simulation_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_there(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(simulate, "import_module", not_there)
    answer = Shell(capsys)("simulate", "--seeds", "1")
    assert (answer.status, "comes with the source" in answer.err) == (1, True)


def test_an_unknown_name_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Shell(capsys)("simulate", "--seed", "9", "--part", "visitor x")
    assert answer.status == 2
    assert "'visitor 3', 'staff' or 'forger'" in answer.err


def _words(command: str) -> list[str]:
    return shlex.split(command.strip())
