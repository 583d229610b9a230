"""Errors in the words that people read, with their next step."""

import inspect
import re
from typing import get_args
from uuid import UUID

import pytest

from adapters.localization.refusal_messages import ILLEGAL_BY_NAME, error_text
from domain.order import events
from domain.order.commands import Command
from domain.order.decide_command import requested_event
from domain.order.errors import RedoRefusedError
from domain.order.values import OrderId, RedoObstacle
from domain.ports.errors import DatabaseBehindError
from domain.unmatched_payment import UnknownPaymentError
from domain.use_cases.audit.dispute_evidence import NothingToProveError
from domain.use_cases.delivery.downloads import LinkExpiredError
from domain.use_cases.support.action_refusals import ActionProblem, ActionRefusedError
from tests.domain.support.given_when_then import given

ID = UUID("00000000-0000-4000-8000-000000000001")


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (
            DatabaseBehindError(),
            "was restored: run `restoreclick db restored`, until then no payments are taken",
        ),
        (
            UnknownPaymentError("cs_1"),
            "of checkout cs_1 is without an order, here or at the payment provider: `rest",
        ),
        (
            NothingToProveError(OrderId(ID)),
            f"{ID} began, so it has no timeline: run `restoreclick events v",
        ),
        (
            LinkExpiredError(OrderId(ID)),
            "sent to the address on file, with a POST to this link's /renew, or answer",
        ),
        (
            RedoRefusedError(image_id=ID, why=RedoObstacle.USED_UP),
            "because another attempt was asked for already.",
        ),
    ],
)
def test_an_error_says_what_comes_next(error: Exception, step: str) -> None:
    assert step in error_text(error)


def test_each_problem_of_an_action_has_a_sentence_of_its_own() -> None:
    texts = {error_text(ActionRefusedError(given().order, problem, 1)) for problem in ActionProblem}
    assert len(texts) == len(ActionProblem)


def test_each_event_that_a_command_proposes_has_a_text_for_its_refusal() -> None:
    event_names = re.findall(r"return e\.(\w+)\(", inspect.getsource(requested_event))
    assert len(event_names) == len(get_args(Command))
    assert {*event_names, events.NoteAdded.__name__} == set(ILLEGAL_BY_NAME)
