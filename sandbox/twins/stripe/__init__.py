"""The twin of Stripe, as much of it as a shop with Checkout needs, speaking API version 2026-10-28.endive.

account      what there is: clock, ids, stored objects, events and their webhooks
checkout     a session from creation to payment or expiry
refunds      money on its way back, never more than was paid
disputes     a customer's bank disagrees
objects      the shapes of all these, as the API gives them
api          the doorway /v1, with its keys, idempotency, errors, lists and expansion
page         the hosted payment page
backstage    what only the twin has: settling and disputing at will
"""
