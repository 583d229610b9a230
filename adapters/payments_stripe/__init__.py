"""Money through Stripe: Checkout and refunds over its API, and what its webhooks tell."""

from adapters.payments_stripe.api import StripePayments
from adapters.payments_stripe.listings import StripeListing
from adapters.payments_stripe.webhooks import StripeWebhookParser

__all__ = ["StripeListing", "StripePayments", "StripeWebhookParser"]
