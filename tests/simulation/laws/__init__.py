"""The laws of the house, held against a simulated world: some after every step, the others when it has come to rest."""

from tests.simulation.laws.answers import Answers
from tests.simulation.laws.continuous import Continuous
from tests.simulation.laws.errors import LawBrokenError
from tests.simulation.laws.rest import unsettled_checkouts

__all__ = ["Answers", "Continuous", "LawBrokenError", "unsettled_checkouts"]
