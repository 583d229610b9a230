"""The twin of Stripe, as much of it as a shop with Checkout needs, speaking API version 2026-10-28.endive.

account      what there is: clock, ids, stored objects, events and their webhooks
checkout     opening a session: what it sells, what it costs, how long it stays open
payment      what becomes of it: paid, paid later, declined, expired
refunds      money on its way back, never more than was paid
disputes     a customer's bank disagrees
shapes       all these as the API gives them
gate         who may come in, and what was asked before under the same idempotency key
api          the doorway /v1; forms, reading, lists and errors are its grammar
page         the hosted payment page
backstage    what only the twin has: settling, disputing, refunding by hand
"""
