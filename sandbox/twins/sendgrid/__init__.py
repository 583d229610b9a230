"""The twin of SendGrid: the v3 API, a mailbox, the event webhook."""
