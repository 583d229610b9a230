"""The twin of SendGrid: takes mail as the v3 API does, keeps it in a mailbox, and tells what became of it.

validation   what SendGrid refuses, in its words
post_office  from an accepted message to mails in the mailbox and events about them
activity     the list of messages that Email Activity shows
signing      the signed event webhook's key and headers
api          the doorway /v3, and the mailbox for programs
page         the mailbox for people
"""
