"""How often the shop tries, and what it has to try with."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What bounds the work on one order."""

    max_restoration_attempts: int = 3
    enlarges_results: bool = False  # a result smaller than its original is enlarged by another model
    has_second_model: bool = False  # what one model refuses for good is offered to another
    max_redos_by_customer: int = 1  # of each photo; a person at the shop may always ask for one more
