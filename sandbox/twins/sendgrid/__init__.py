"""The twin of SendGrid: the v3 API, a mailbox, the event webhook.

validation  refusals, in SendGrid's words
delivery    from an accepted message to e-mails in the mailbox and their events
activity    the messages of Email Activity
signing     the signed event webhook's key and headers
api         the API /v3, and the mailbox API
page        the mailbox in the browser
"""
