"""The twin of Stripe, for shops with Checkout, in API version 2026-10-28.endive."""
