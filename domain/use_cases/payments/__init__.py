"""Payments: webhooks, order placement, refunds, disputes and unmatched payments."""
