"""E-mail through SendGrid: sending, webhooks and listings."""

from adapters.mailer_sendgrid.api import SendGridMailer
from adapters.mailer_sendgrid.listings import SendGridListing
from adapters.mailer_sendgrid.webhooks import SendGridWebhookParser

__all__ = ["SendGridListing", "SendGridMailer", "SendGridWebhookParser"]
