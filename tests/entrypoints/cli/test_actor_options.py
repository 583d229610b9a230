"""The actor of each staff command is recorded."""

import os
import pwd

import pytest

from entrypoints.cli.support.actor_options import NamelessActorError, person


@pytest.mark.parametrize("name", ["", "  ", "gra\nce"])
def test_no_staff_action_runs_without_a_name(name: str) -> None:
    with pytest.raises(NamelessActorError, match="--actor NAME"):
        person(name)


def test_who_acts_is_named_or_the_user_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    assert (person(None), person("ada")) == ("person:grace", "person:ada")


@pytest.mark.parametrize("shell", ["/usr/sbin/nologin", "/bin/false"])
def test_the_user_of_a_container_is_no_name_of_a_person(monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    account = pwd.getpwuid(os.getuid())
    values = ("shop", *account[1:6], shell)
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: pwd.struct_passwd(values))
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NamelessActorError, match="--actor NAME"):
        person(None)
    assert person("ada") == "person:ada"
    monkeypatch.setenv("LOGNAME", "grace")
    assert person(None) == "person:grace"
