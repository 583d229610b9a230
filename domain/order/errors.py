"""Errors of an order.

ShopError
├── IllegalMoveError            the lifecycle has no such transition
├── AlreadyPaidError            a second payment for a paid order
├── RefundExceedsPaymentError   more would be refunded than is left of the payment
├── AmountNotPayableError       the currency has no such amount
├── ImageNotRefundableError     the image is restored, or its refund is recorded
├── UnknownImageError           the order has no such image
├── UnknownDownloadLinkError    the order has no such link
├── LastDownloadLinkError       the customer has no other link to the photos
├── RedoRefusedError            the image cannot be redone
├── AskedTooOftenError          a customer requests the same again, too soon or too many times
└── NothingToSendError          the order's state allows no such e-mail or link
"""

from datetime import timedelta
from uuid import UUID

from domain.order.values import RedoObstacle


class ShopError(Exception):
    """The root of the errors by which the shop refuses.

    The message is one sentence that tells the reader what to do.
    """


class IllegalMoveError(ShopError):
    """The order's state does not allow the event."""

    def __init__(self, *, event: str, state: str, allowed: list[str]) -> None:
        self.event = event
        self.state = state
        self.allowed = allowed
        super().__init__(
            f"An order that is {state} cannot take {event}; it can take {', '.join(allowed) or 'nothing'}."
        )


class AlreadyPaidError(ShopError):
    """A second payment arrived for a paid order: refund or match it."""

    def __init__(self, *, order_id: UUID, checkout_session_id: str) -> None:
        self.order_id = order_id
        self.checkout_session_id = checkout_session_id
        super().__init__(
            f"Order {order_id} is paid already: refund checkout session {checkout_session_id} or match it."
        )


class RefundExceedsPaymentError(ShopError):
    """More would be refunded than is left of the payment."""

    def __init__(self, *, asked: str, refundable: str) -> None:
        self.asked = asked
        self.refundable = refundable
        super().__init__(f"Cannot refund {asked}: ask for more than nothing and for {refundable} at most.")


class AmountNotPayableError(ShopError):
    """The last digits of an amount in this currency must be zero."""

    def __init__(self, *, asked: str, below: str, above: str) -> None:
        self.asked = asked
        self.below = below
        self.above = above
        super().__init__(f"No provider pays {asked}: ask for {below} or {above}.")


class ImageNotRefundableError(ShopError):
    """An image that is restored or refunded is not refunded by name.

    Neither is one whose original is not moved yet.
    """

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
    """Without this link the customer could not open the photos."""

    def __init__(self, *, order_id: UUID, link_id: UUID) -> None:
        self.order_id = order_id
        self.link_id = link_id
        super().__init__(
            f"Link {link_id} is the last one that opens the photos of order {order_id}: issue a new one with it."
        )


class RedoRefusedError(ShopError):
    """A redo of the image is impossible or was requested already."""

    def __init__(self, *, image_id: UUID, why: RedoObstacle) -> None:
        self.image_id = image_id
        self.why = why
        super().__init__(f"Image {image_id} cannot be tried once more ({why}).")


class CorrectionRefusedError(ShopError):
    """Customers cannot correct the address of this order themselves."""

    def __init__(self) -> None:
        super().__init__(
            "The address of this order cannot be corrected here: write to us, and a person will help you."
        )


class AskedTooOftenError(ShopError):
    """A customer requested the same thing too soon or too often.

    ``wait`` is the time until the next request is allowed; none if the limit is reached for good.
    """

    def __init__(self, *, wait: timedelta | None) -> None:
        self.wait = wait
        what_to_do = (
            "answer our last e-mail, and a person will help you"
            if wait is None
            else f"look for it in your mailbox, and ask again in {wait // timedelta(minutes=1) + 1} minutes"
        )
        super().__init__(f"This was asked for already: {what_to_do}.")


class NothingToSendError(ShopError):
    """The order's state allows no such e-mail or link."""

    def __init__(self, *, state: str) -> None:
        self.state = state
        super().__init__(
            f"An order that is {state} has nothing of this kind to send: look at its status, and wait."
        )
