"""Bugs to plant into the processes, to prove that checkers find them.

A bug replaces one function of the shop before its process begins: ``planted/sitecustomize.py`` is on the path
of the processes, and Python runs it at start-up. None of it ships, and the shop does not know of it.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: The environment variable that names the planted bug.
VARIABLE = "CHAOS_PLANT"
_HERE = Path(__file__).parent


def send_mail_blindly() -> None:
    """Treat a mail whose reply was lost as unsent; resend it."""
    from adapters.mailer_sendgrid.api import SendGridMailer  # noqa: PLC0415 -- see the module
    from domain.ports.errors import LostReplyError, UnavailableError  # noqa: PLC0415

    careful = SendGridMailer.send

    def send(self: SendGridMailer, mail: Any) -> str:
        try:
            return careful(self, mail)
        except LostReplyError as error:
            raise UnavailableError("SendGrid", "no answer") from error

    SendGridMailer.send = send  # type: ignore[method-assign]


def close_without_lease() -> None:
    """Let a worker close work whose lease it no longer holds."""
    from adapters.postgres import reactions  # noqa: PLC0415

    whose = " AND status = 'leased' AND lease_token = :token"
    if whose not in reactions.CLOSE:
        raise AssertionError("The statement that closes work has changed: plant this bug anew.")
    reactions.CLOSE = reactions.CLOSE.replace(whose, " AND CAST(:token AS uuid) IS NOT NULL")


def never_sweep() -> None:
    """Never resend what was lost, nor send what becomes due later."""
    from domain.use_cases.reaction_runner import ReactionRunner  # noqa: PLC0415

    def sweep(_: ReactionRunner) -> int:
        return 0

    ReactionRunner.resend_due = sweep  # type: ignore[method-assign, assignment]


def answer_too_soon() -> None:
    """Answer Stripe's webhook with 200 although it could not be recorded."""
    from domain.ports.errors import UnavailableError  # noqa: PLC0415
    from domain.use_cases.payments.payment_webhook import PaymentWebhook  # noqa: PLC0415

    careful = PaymentWebhook.handle

    def take(self: PaymentWebhook, *arguments: Any) -> None:
        try:
            careful(self, *arguments)
        except UnavailableError:
            return

    PaymentWebhook.handle = take  # type: ignore[method-assign, assignment]


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A bug, and the law that it breaks."""

    plant: Callable[[], None]
    law: int


PLANTS: Mapping[str, Plant] = {
    "answer-too-soon": Plant(plant=answer_too_soon, law=3),
    "close-without-lease": Plant(plant=close_without_lease, law=6),
    "send-mail-blindly": Plant(plant=send_mail_blindly, law=9),
    "never-sweep": Plant(plant=never_sweep, law=11),
}


def environment_with(name: str | None) -> dict[str, str]:
    """The environment variables that plant a bug; empty without one."""
    if name is None:
        return {}
    path = [str(_HERE / "planted"), str(_HERE.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {VARIABLE: name, "PYTHONPATH": os.pathsep.join(path)}
