"""The stored cause of a reaction names its attempts."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.order.reactions import REACTION_TYPES, MoveImages, Reaction
from domain.order.values import OrderId
from domain.ports.reaction_queue import Claim
from domain.use_cases.reaction_cause import attempts_in, reaction_cause
from tests.contracts.test_reaction_queue import EXAMPLES

ID = UUID("00000000-0000-4000-8000-000000000001")
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def claim_of(reaction: Reaction, attempts: int) -> Claim:
    return Claim(
        reaction_id=ID,
        order_id=OrderId(ID),
        reaction=reaction,
        token=ID,
        attempts=attempts,
        was_interrupted=False,
        first_due_at=NOON,
        claimed_at=NOON,
        leased_until=NOON,
    )


@pytest.mark.parametrize("reaction", EXAMPLES, ids=lambda reaction: type(reaction).__name__)
@pytest.mark.parametrize("attempts", [1, 24])
def test_the_attempts_are_read_out_of_the_cause(reaction: Reaction, attempts: int) -> None:
    assert attempts_in(reaction_cause(claim_of(reaction, attempts)).name) == attempts


def test_the_stored_form_never_changes() -> None:
    cause = reaction_cause(claim_of(MoveImages(), 2))
    assert cause.name == f"reaction:{ID} (MoveImages, attempt 2)"
    assert cause.key == f"reaction:{ID}:{ID}"


@pytest.mark.parametrize("cause", ["stripe:evt_1", "staff (attempt 3)", "reminder: attempt 3)", ""])
def test_another_cause_has_no_attempts(cause: str) -> None:
    assert attempts_in(cause) is None


def test_every_kind_of_reaction_is_tried() -> None:
    assert {type(reaction) for reaction in EXAMPLES} == set(REACTION_TYPES)
