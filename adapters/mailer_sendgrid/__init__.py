"""Mail through SendGrid: sending over its API, and what its event webhook tells."""

from adapters.mailer_sendgrid.api import SendGridMailer
from adapters.mailer_sendgrid.listings import SendGridLedger
from adapters.mailer_sendgrid.webhooks import SendGridNotices

__all__ = ["SendGridLedger", "SendGridMailer", "SendGridNotices"]
