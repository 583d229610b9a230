"""Who records events: stored codes, which never change; localization words them.

A provider's code is also the source of its webhook events.
"""

CUSTOMER = "customer"
#: The actor of what the holder of a link did: a customer, their friends, or a mail scanner.
VISITOR = "visitor"
PAYMENT_PROVIDER = "stripe"
RESTORER = "replicate"
MAILER = "sendgrid"
