"""What can go wrong outside, told by whether trying again makes sense.

OutsideError
├── UnavailableError        nothing was done: try again, after ``retry_after_seconds`` if the provider named a wait
│   ├── NoAnswerError       a time-out ended the wait: until it answers again, each further call would wait as long
│   ├── LostReplyError      it may have been done: only a repeat that is known to be harmless may follow
│   ├── BusyError           nothing was done, because we ask for more than the provider takes at a time
│   ├── AccountRefusedError nothing was done, because our own account or its settings are not in order
│   ├── CallOverrunError    the call did not return in its time: it may have been done, and its result is discarded
│   ├── BucketMissingError  the storage answers, and does not have the bucket that the settings name
│   ├── DatabaseBehindError the database was restored from a backup: first it has to be put right
│   └── UnreadableEventError this version of the shop cannot read an event of the order
├── RefusedError            it will never be done as asked: ``reason`` says why
│   └── DisputedError       not while a bank has its hand on the payment; perhaps once it has decided
├── ForgedMessageError      a message that its sender did not sign: change nothing
├── ObjectMissingError      the storage has no such object
├── ObjectDiffersError      an object's bytes are not the recorded ones
└── UnreadableImageError  the bytes are no picture the shop can work with
"""

from datetime import timedelta
from typing import Self


class OutsideError(Exception):
    """The root of everything the outside world does to us; the message says what to do."""


class UnavailableError(OutsideError):
    """The provider did not do it and may do it later."""

    def __init__(self, provider: str, detail: str, *, retry_after_seconds: float | None = None) -> None:
        self.provider = provider
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{provider} is not available ({detail}): try again later.")


class UnreadableAnswerError(UnavailableError):
    """The provider answered, but not in the shape that it documents: what else it holds may be read all the same."""


class UnreadableEventError(UnavailableError):
    """An order's log holds an event that this version of the shop cannot read; other orders are not concerned."""

    def __init__(self, detail: str) -> None:
        super().__init__("This order", detail)


class NoAnswerError(UnavailableError):
    """The provider accepted the call, or the connection, and then did not answer in time."""


class LostReplyError(UnavailableError):
    """The provider may or may not have done it: the answer was lost on the way."""


class BusyError(UnavailableError):
    """The provider is there and well, and takes no more for a while."""


class AccountRefusedError(UnavailableError):
    """The provider refuses this shop, not what it asks: once the operator has mended that, it may be done."""

    def __init__(self, provider: str, detail: str) -> None:
        super().__init__(provider, f"it refuses our account: {detail}; check its key and its settings")


class CallOverrunError(UnavailableError):
    """A call that did not return within its time limit counts as a failed attempt."""

    def __init__(self, work: str, limit: timedelta) -> None:
        super().__init__(work, f"it did not return within {limit.total_seconds() / 60:.0f} minutes")


class BucketMissingError(UnavailableError):
    """The storage does not have the shop's bucket; nothing is known about any object."""

    def __init__(self, provider: str, bucket: str) -> None:
        super().__init__(provider, f"it has no bucket {bucket}")
        self.bucket = bucket

    def __str__(self) -> str:
        """The operator has to act: trying again does not help."""
        return f"{self.provider} has no bucket {self.bucket}: create it, or correct its name in the settings."


class DatabaseBehindError(UnavailableError):
    """The database lacks events that the shop recorded: it was restored from a backup."""

    def __init__(self) -> None:
        super().__init__("The database", "it is older than the log", retry_after_seconds=60)

    def __str__(self) -> str:
        """The operator has to act: trying again does not help."""
        return (
            "The database is older than the shop's log, as after a backup was restored: run `restoreclick db "
            "restored`, until then no payments are taken and no work is done."
        )


class RefusedError(OutsideError):
    """The provider will never do this as asked."""

    def __init__(self, provider: str, reason: str, *, code: str | None = None) -> None:
        self.provider = provider
        self.reason = reason
        self.code = code
        super().__init__(f"{provider} refuses: {reason}")


class DisputedError(RefusedError):
    """The provider pays nothing back of what a bank disputes; when the bank has decided, it may."""


class ForgedMessageError(OutsideError):
    """The message does not carry its sender's signature, or not a fresh one."""

    def __init__(self, provider: str, detail: str) -> None:
        self.provider = provider
        self.detail = detail
        super().__init__(f"This is not a message that {provider} signed for this shop: {detail}.")


class ObjectMissingError(OutsideError):
    """The storage has no object under this key."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"The storage has no object {key}: look for it in the storage's backups.")


class ObjectDiffersError(OutsideError):
    """The object under a key is not the one that was recorded."""

    def __init__(self, key: str, *, expected_sha256: str, found_sha256: str) -> None:
        self.key = key
        self.expected_sha256 = expected_sha256
        self.found_sha256 = found_sha256
        super().__init__(
            f"The object {key} has SHA-256 {found_sha256} where {expected_sha256} is recorded: it was changed or cut."
        )


class UnreadableImageError(OutsideError):
    """These bytes are no picture the shop can work with; ``advice`` tells the customer what to do.

    ``german`` is the problem and the advice for customers who read German rather than English.
    """

    def __init__(self, problem: str, advice: str, german: str | None = None) -> None:
        self.problem = problem
        self.advice = advice
        self.german = german
        super().__init__(f"{problem} {advice}")

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str | None]]:
        """Survive the way out of a process in which pictures are decoded."""
        return type(self), (self.problem, self.advice, self.german)
