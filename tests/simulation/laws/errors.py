"""What is raised when a law is broken."""

from collections.abc import Iterable

from tests.laws import LAWS, Law, violations
from tests.laws.snapshot import Snapshot

#: Law 0 is of the simulation alone: what no code expects, an exception or an answer of 500.
SENTENCES = {0: "Nothing unexpected happens."} | {law.number: law.sentence for law in LAWS}


class LawBrokenError(BaseException):
    """A broken law; ``about`` are ids that select lines of a trace.

    It is no ``Exception``: code of the shop, within which it may be raised, must not handle it as a failure of its own.
    """

    def __init__(self, law: int, sentence: str, *about: object) -> None:
        self.law = law
        self.sentence = sentence
        self.about = tuple(str(each) for each in about)
        super().__init__(f"Law {law} ({SENTENCES[law].rstrip('.')}) is broken: {sentence}")


def check(snapshot: Snapshot, laws: Iterable[Law] = LAWS) -> None:
    """Raise LawBrokenError for the first violation."""
    for broken in violations(snapshot, laws):
        raise LawBrokenError(broken.law, broken.sentence, *broken.about)


def law(*numbers: int) -> tuple[Law, ...]:
    """The laws of some numbers."""
    return tuple(LAWS[number - 1] for number in numbers)
