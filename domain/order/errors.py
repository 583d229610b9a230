"""What can go wrong with an order.

ShopError
├── IllegalMoveError            the lifecycle knows no such move
├── AlreadyPaidError            a second payment for an order that has one
├── RefundExceedsPaymentError   more would go back than was paid
├── AmountNotPayableError       the currency has no such amount
├── ImageNotRefundableError     the image is restored, or its refund is on record
├── UnknownImageError           the order has no such image
├── UnknownDownloadLinkError    the order has no such link
├── LastDownloadLinkError       without this link the customer could not get at the photos
├── RedoRefusedError            the image cannot be tried once more
├── AskedTooOftenError          a customer wants the same again, too soon or too many times
└── NothingToSendError          the order's state calls for no such mail or link
"""

from datetime import timedelta
from uuid import UUID


class ShopError(Exception):
    """The root of everything the shop itself refuses; the message is one sentence that says what to do."""


class IllegalMoveError(ShopError):
    """The order's state does not allow what was asked."""

    def __init__(self, *, event: str, state: str, allowed: list[str]) -> None:
        self.event = event
        self.state = state
        self.allowed = allowed
        super().__init__(
            f"An order that is {state} cannot take {event}; it can take {', '.join(allowed) or 'nothing'}."
        )


class AlreadyPaidError(ShopError):
    """A second payment came for an order that has been paid: it has to go back or be matched by a person."""

    def __init__(self, *, order_id: UUID, checkout_session_id: str) -> None:
        self.order_id = order_id
        self.checkout_session_id = checkout_session_id
        super().__init__(
            f"Order {order_id} is paid already: refund checkout session {checkout_session_id} or match it."
        )


class RefundExceedsPaymentError(ShopError):
    """More would go back than was paid and has not gone back yet."""

    def __init__(self, *, asked: str, refundable: str) -> None:
        self.asked = asked
        self.refundable = refundable
        super().__init__(f"Cannot refund {asked}: ask for more than nothing and for {refundable} at most.")


class AmountNotPayableError(ShopError):
    """The last digits of an amount in this currency have to be zero."""

    def __init__(self, *, asked: str, below: str, above: str) -> None:
        self.asked = asked
        self.below = below
        self.above = above
        super().__init__(f"No provider pays {asked}: ask for {below} or {above}.")


class ImageNotRefundableError(ShopError):
    """An image that is restored, or refunded already, is not paid back by name."""

    def __init__(self, *, order_id: UUID, image_id: UUID) -> None:
        self.order_id = order_id
        self.image_id = image_id
        super().__init__(
            f"Image {image_id} of order {order_id} is restored, not moved yet, or its refund is on record: "
            "refund an amount instead."
        )


class UnknownImageError(ShopError):
    """The order has no such image."""

    def __init__(self, *, order_id: UUID, image_id: UUID) -> None:
        self.order_id = order_id
        self.image_id = image_id
        super().__init__(f"Order {order_id} has no image {image_id}: look the image up in the order first.")


class UnknownDownloadLinkError(ShopError):
    """The order has no such link."""

    def __init__(self, *, order_id: UUID, link_id: UUID) -> None:
        self.order_id = order_id
        self.link_id = link_id
        super().__init__(
            f"Order {order_id} has no download link {link_id}: look the link up in the order first."
        )


class LastDownloadLinkError(ShopError):
    """Without this link the customer could not get at the photos any more."""

    def __init__(self, *, order_id: UUID, link_id: UUID) -> None:
        self.order_id = order_id
        self.link_id = link_id
        super().__init__(
            f"Link {link_id} is the last one that opens the photos of order {order_id}: issue a new one with it."
        )


class RedoRefusedError(ShopError):
    """Another attempt at an image makes no sense, or was made."""

    def __init__(self, *, image_id: UUID, why: str) -> None:
        self.image_id = image_id
        self.why = why
        super().__init__(f"Image {image_id} cannot be tried once more, because {why}.")


class AskedTooOftenError(ShopError):
    """A customer asked for the same thing too soon, or, without a ``wait``, as often as anybody may."""

    def __init__(self, *, wait: timedelta | None) -> None:
        self.wait = wait
        what_to_do = (
            "answer our last e-mail, and a person will help you"
            if wait is None
            else f"look for it in your mailbox, and ask again in {wait // timedelta(minutes=1) + 1} minutes"
        )
        super().__init__(f"This was asked for already: {what_to_do}.")


class NothingToSendError(ShopError):
    """The order stands where there is nothing to send."""

    def __init__(self, *, state: str) -> None:
        self.state = state
        super().__init__(
            f"An order that is {state} has nothing of this kind to send: look at where it stands, and wait."
        )
