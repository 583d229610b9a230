"""Each planted bug replaces existing code, and takes effect in the processes."""

import os
import subprocess
import sys

import pytest

from tests.chaos.planted_bugs import PLANTS, environment_with
from tests.laws import LAWS

#: Prints what a process with the bug uses: it names the bug's module, or contains its statement.
LOOKS = {
    "answer-too-soon": "from domain.use_cases.payments.payment_webhook "
    "import PaymentWebhook as P; print(P.handle.__module__)",
    "close-without-lease": "from adapters.postgres.event_store import CLOSE; print(CLOSE)",
    "send-mail-blindly": "from adapters.mailer_sendgrid.api import SendGridMailer as M; print(M.send.__module__)",
    "never-sweep": "from domain.use_cases.reaction_runner import ReactionRunner as R; print(R.resend_due.__module__)",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_in_the_process(name: str) -> None:
    looked = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-c", LOOKS[name]],
        env={**os.environ, **environment_with(name)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert looked.stderr == ""
    output = looked.stdout.strip()
    assert output == "tests.chaos.planted_bugs" or (
        "UPDATE reactions" in output and "lease_token = :token" not in output
    )


def test_planted_bugs_break_different_laws() -> None:
    laws = [plant.law for plant in PLANTS.values()]
    assert len(set(laws)) == len(laws) >= 3
    assert set(laws) <= {law.number for law in LAWS}


def test_without_a_bug_the_processes_receive_no_option() -> None:
    assert environment_with(None) == {}
