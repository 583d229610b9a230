"""Reasons that the log and unmatched payments hold as text.

They are stored, so they never change. A provider's own reasons are stored beside them as the provider words them.
"""

NO_REASON = "no reason given"
OUT_OF_ATTEMPTS = "out of attempts"

# Of e-mails that failed.
ADDRESS_ERASED = "The customer's address is not kept any more."
EMAIL_REFUSED = "The mail provider refused it."
ANSWER_LOST_TWICE = "The provider's answer was lost twice."

# Of refunds that failed.
NOTHING_CHARGED = "nothing was charged for this order"
REFUND_UNKNOWN = "not known to the provider after a day"
NOT_PAYABLE = "the provider could not pay it"
PARTLY_REFUNDED = "not all of it could be paid back"
RETURNED_AGAIN = "what had gone back is here again"

# Of payments that belong to no order.
PAID_BEFORE = "The order was paid before."
SESSION_EXPIRED = "Its upload session had expired, the photos are gone."
INCOMPLETE = "It carries no e-mail address, nothing was quoted, or there is no photo."
NOT_SIGNED = "It does not carry this shop's signed token; staff named it."
SESSION_LOST = (
    "This shop opened its checkout, and the database does not know the upload session any more: a backup may have "
    "been restored. It is held: look whether its photos were delivered, then match or refund it."
)
ORDER_NOT_CERTAIN = (
    "The database has lost its order, and the storage does not have exactly the photos that were paid for. It is held: "
    "look whether they were delivered, then match or refund it."
)

#: What reconciliation reports for an entry without an id, and the type of event made of a listed checkout.
NO_ID = "without an id"
LISTED_CHECKOUT = "a checkout that is"
