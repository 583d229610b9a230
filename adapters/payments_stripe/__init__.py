"""Payments through Stripe: Checkout, refunds, webhooks and listings."""

from adapters.payments_stripe.api import StripePayments
from adapters.payments_stripe.listings import StripeListing
from adapters.payments_stripe.webhooks import StripeWebhookParser

__all__ = ["StripeListing", "StripePayments", "StripeWebhookParser"]
