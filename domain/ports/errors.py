"""Errors of the ports, by whether a retry can succeed.

OutsideError
├── UnavailableError        nothing was done: retry, after ``retry_after_seconds`` if the provider named it
│   ├── UnreadableAnswerError  the reply has another shape than documented
│   ├── NoAnswerError       the call timed out: until the provider replies again, each further call would, too
│   ├── LostReplyError      it may have been done: only an idempotent retry may follow
│   ├── BusyError           nothing was done: the provider's limit of concurrent work is reached
│   ├── AccountRefusedError nothing was done: our account or its settings are not in order
│   ├── CallOverrunError    the call exceeded its time limit: it may have been done; its result is discarded
│   ├── BucketMissingError  object storage replies, but lacks the bucket that the settings name
│   ├── DatabaseBehindError the database was restored from a backup and has to be repaired first
│   └── UnreadableEventError this version of the shop cannot read an event of the order
├── RefusedError            it will never be done as requested: ``reason`` says why
│   └── DisputedError       not while the payment is disputed; possibly after the bank's decision
├── ForgedMessageError      a message without its sender's signature: change nothing
├── ObjectMissingError      object storage has no such object
├── ObjectDiffersError      an object's bytes are not the recorded ones
└── UnreadableImageError    the bytes are not an image that the shop can process
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Self

from domain.order.values import OrderId

#: A phrase within a refusal, and the numbers that fill it.
RefusalPart = tuple[str, Mapping[str, int]]
RefusalValue = int | Sequence[RefusalPart]


class OutsideError(Exception):
    """The root of errors from outside; the message says what to do."""


class UnavailableError(OutsideError):
    """The provider has not done it and may do it later."""

    def __init__(self, provider: str, detail: str, *, retry_after_seconds: float | None = None) -> None:
        self.provider = provider
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{provider} is not available ({detail}): try again later.")


class UnreadableAnswerError(UnavailableError):
    """The provider's reply does not have the documented shape.

    Other entries of the reply may still be readable.
    """


class UnreadableEventError(UnavailableError):
    """An event of an order cannot be read by this version.

    Other orders are not affected.
    """

    def __init__(self, detail: str, order_id: OrderId | None = None) -> None:
        self.order_id = order_id
        super().__init__("This order" if order_id is None else f"Order {order_id}", detail)


class NoAnswerError(UnavailableError):
    """The provider accepted the connection or call, then timed out."""


class LostReplyError(UnavailableError):
    """The reply was lost: the provider may have done it."""


class BusyError(UnavailableError):
    """The provider is available, but accepts no more work for now."""


class AccountRefusedError(UnavailableError):
    """The provider refuses this shop's account, not the request.

    A retry may succeed once the operator has corrected the account or its settings.
    """

    def __init__(self, provider: str, detail: str) -> None:
        super().__init__(provider, f"it refuses our account: {detail}; check its key and its settings")


class CallOverrunError(UnavailableError):
    """A call exceeded its time limit and counts as failed."""

    def __init__(self, work: str, limit: timedelta) -> None:
        super().__init__(work, f"it did not return within {limit.total_seconds() / 60:.0f} minutes")


class BucketMissingError(UnavailableError):
    """Object storage lacks the shop's bucket; no object's state is known."""

    def __init__(self, provider: str, bucket: str) -> None:
        super().__init__(provider, f"it has no bucket {bucket}")
        self.bucket = bucket

    def __str__(self) -> str:
        """Tell the operator what to do, because a retry does not help."""
        return f"{self.provider} has no bucket {self.bucket}: create it, or correct its name in the settings."


class DatabaseBehindError(UnavailableError):
    """The database lacks recorded events, because a backup was restored."""

    def __init__(self) -> None:
        super().__init__("The database", "it is older than the log", retry_after_seconds=60)

    def __str__(self) -> str:
        """Tell the operator what to do, because a retry does not help."""
        return (
            "The database is older than the shop's log, as after a backup was restored: until it is put right, no "
            "payments are taken and no work is done."
        )


class RefusedError(OutsideError):
    """The provider will never do this as requested."""

    def __init__(self, provider: str, reason: str, *, code: str | None = None) -> None:
        self.provider = provider
        self.reason = reason
        self.code = code
        super().__init__(f"{provider} refuses: {reason}")


class DisputedError(RefusedError):
    """The provider refunds nothing while a dispute is undecided.

    It may do so after the bank's decision.
    """


class ForgedMessageError(OutsideError):
    """The message lacks its sender's signature, or a recent one."""

    def __init__(self, provider: str, detail: str) -> None:
        self.provider = provider
        self.detail = detail
        super().__init__(f"This is not a message that {provider} signed for this shop: {detail}.")


class ObjectMissingError(OutsideError):
    """Object storage has no object under this key."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"The storage has no object {key}: look for it in the storage's backups.")


class ObjectDiffersError(OutsideError):
    """The object's checksum is not the recorded one."""

    def __init__(self, key: str, *, expected_sha256: str, found_sha256: str) -> None:
        self.key = key
        self.expected_sha256 = expected_sha256
        self.found_sha256 = found_sha256
        super().__init__(
            f"The object {key} has SHA-256 {found_sha256} where {expected_sha256} is recorded: it was changed or cut."
        )


class UnreadableImageError(OutsideError):
    """The bytes are not an image that the shop can process.

    ``refusal`` names the phrase that tells the customer why and what to send instead; ``values`` fill its braces,
    each a number or a list of further phrases.
    """

    def __init__(self, refusal: str, values: Mapping[str, RefusalValue] | None = None) -> None:
        self.refusal = refusal
        self.values = dict(values or {})
        details = "".join(f", {name} {value}" for name, value in self.values.items())
        super().__init__(
            f"This picture cannot be read ({refusal}{details}): save it as JPEG or PNG and send that file."
        )

    def __reduce__(self) -> tuple[type[Self], tuple[str, dict[str, RefusalValue]]]:
        """Allow the error to be pickled by a decoder process."""
        return type(self), (self.refusal, self.values)
