"""Bugs that can be planted into the shop's processes of a run, so that its checkers can be shown to find them.

A bug replaces one function of the shop before its process begins: ``planted/sitecustomize.py`` lies on the path of the
processes, and Python runs it when it starts. Nothing of it ships, and nothing in the shop knows of it.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Which bug the processes of a run carry.
VARIABLE = "CHAOS_PLANT"
_HERE = Path(__file__).parent


def send_mail_blindly() -> None:
    """A mail whose reply was lost counts as not sent, and is simply sent again."""
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
    """Work is closed by whoever has done it, no matter who holds its lease by then."""
    from adapters.postgres import reactions  # noqa: PLC0415

    whose = " AND status = 'leased' AND lease_token = :token"
    if whose not in reactions.CLOSE:
        raise AssertionError("The statement that closes work has changed: plant this bug anew.")
    reactions.CLOSE = reactions.CLOSE.replace(whose, " AND CAST(:token AS uuid) IS NOT NULL")


def never_sweep() -> None:
    """Nobody sends again what got lost, nor what is due later."""
    from domain.use_cases.reaction_runner import ReactionRunner  # noqa: PLC0415

    def sweep(_: ReactionRunner) -> int:
        return 0

    ReactionRunner.resend_due = sweep  # type: ignore[method-assign, assignment]


def answer_too_soon() -> None:
    """Stripe is answered with 200 although what it told could not be written down."""
    from domain.ports.errors import UnavailableError  # noqa: PLC0415
    from domain.use_cases.payments.payment_webhook import PaymentWebhook  # noqa: PLC0415

    careful = PaymentWebhook.handle

    def take(self: PaymentWebhook, *told: Any) -> None:
        try:
            careful(self, *told)
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
    """What the shop's processes are told so that they carry a bug; nothing without one."""
    if name is None:
        return {}
    path = [str(_HERE / "planted"), str(_HERE.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {VARIABLE: name, "PYTHONPATH": os.pathsep.join(path)}
