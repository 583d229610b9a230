"""The actor of each staff command is recorded."""

import pytest

from entrypoints.cli.support.actor_options import NamelessActorError, person


@pytest.mark.parametrize("name", ["", "  ", "gra\nce"])
def test_no_staff_action_runs_without_a_name(name: str) -> None:
    with pytest.raises(NamelessActorError, match="--actor NAME"):
        person(name)


def test_who_acts_is_named_or_the_user_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    assert (person(None), person("ada")) == ("person:grace", "person:ada")
