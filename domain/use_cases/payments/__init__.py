"""Payments: whose they are, and what becomes of them."""
