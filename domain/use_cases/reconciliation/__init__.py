"""Books that agree: what the log says is compared with what the world outside has on its books, side by side.

reconciling   all five sides, one report
findings      what is found, and what the report of it says
scope         what is asked for: since when, whether to heal, how to tell that it goes on
money         Stripe against the log, with records (is it there?) and claims (is ours at Stripe?)
streams       the log against itself    objects       the log against the storage
predictions   the log against Replicate mails         the log against SendGrid
"""
