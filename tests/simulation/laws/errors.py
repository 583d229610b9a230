"""What is raised when a promise is broken."""

#: The laws by their numbers, in a few words.
SENTENCES = {
    0: "nothing happens that nobody thought of",
    1: "versions without a gap, no illegal move",
    2: "the read models equal a fold of the log",
    3: "each payment belongs to exactly one order, or is set aside",
    4: "never more is paid back than was paid; no photo both delivered and refunded",
    5: "a completed order has each photo delivered or refunded",
    6: "no call without a committed claim; only who holds the lease records",
    7: "no original goes before its time",
    8: "what the log names is there; what nobody names goes",
    9: "a mail is accepted once, or its resend is on record",
    10: "a token opens its own order, in its time",
    11: "every order comes to an end",
    12: "what is forged changes nothing",
    13: "no sentence is stronger than its events",
    14: "what an order needs has an open row, or one under lease",
}


class LawBrokenError(BaseException):
    """A law does not hold; ``about`` are the ids that tell which lines of a trace matter.

    It is none of the exceptions that a program handles: code of the shop, in the middle of which it may be raised,
    must not take it for a failure of its own.
    """

    def __init__(self, law: int, sentence: str, *about: object) -> None:
        self.law = law
        self.sentence = sentence
        self.about = tuple(str(each) for each in about)
        super().__init__(f"Law {law} ({SENTENCES[law]}) is broken: {sentence}")
