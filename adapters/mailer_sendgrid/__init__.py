"""Mail through SendGrid: sending over its API, and what its event webhook tells."""

from adapters.mailer_sendgrid.api import SendGridMailer
from adapters.mailer_sendgrid.ledger import SendGridLedger
from adapters.mailer_sendgrid.notices import SendGridNotices

__all__ = ["SendGridLedger", "SendGridMailer", "SendGridNotices"]
