"""The twin of Stripe, for shops with Checkout, in API version 2026-10-28.endive.

account         clock, ids, stored objects, events and their webhooks
checkout        creation of sessions: line items, total, expiry
payment         outcomes of sessions: paid, paid later, declined, expired
refunds         refunds of charges
disputes        disputes and inquiries
objects         all of these as API objects
authentication  the secret key, and idempotency keys
api             the API /v1; form_encoding, form_values, lists and errors are its grammar
page            the hosted payment page
test_controls   settling, disputing and refunding by hand
"""
