"""Stripe's objects, with every field that is always present."""
