"""Money through Stripe: Checkout and refunds over its API, and what its webhooks tell."""

from adapters.payments_stripe.api import StripePayments
from adapters.payments_stripe.listings import StripeLedger
from adapters.payments_stripe.webhooks import StripeNotices

__all__ = ["StripeLedger", "StripeNotices", "StripePayments"]
