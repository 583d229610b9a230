"""The stored cause of what a worker records.

Its name says which reaction led to a commit, and after how many attempts. Stored names never change.
"""

import re

from domain.ports.reaction_queue import Claim
from domain.use_cases.order_transaction import Cause

_ATTEMPTS = re.compile(r" \(\w+, attempt (\d+)\)$")


def reaction_cause(claim: Claim) -> Cause:
    """The cause of the events that a claimed reaction leads to."""
    name = f"reaction:{claim.reaction_id}"
    return Cause(
        name=f"{name} ({type(claim.reaction).__name__}, attempt {claim.attempts})",
        key=f"{name}:{claim.token}",  # a reopened reaction has the same id but another token
        actor="worker",
        correlation_id=claim.order_id,
    )


def attempts_in(cause: str) -> int | None:
    """The attempts that a stored cause names; None without any."""
    found = _ATTEMPTS.search(cause)
    return int(found[1]) if found else None
