"""Reconciliation: compare the log with the providers, the storage and itself.

run                           run every comparison and return one report
findings                      the finding codes and the report
comparison                    the scope of a comparison: period, repairs, progress, unreadable entries
payments_missing_in_log       the provider's lists against the log; recorded_payments judges each page
payments_missing_at_provider  payments and refunds of the log against the provider
event_log                     the log against its read models and reactions
object_storage                the log against the object storage
predictions                   the log against the restorer
emails                        the log against the mailer
foreign_payments              payments of other shops on the same account
foreign_objects               objects of other shops in the same bucket
"""
