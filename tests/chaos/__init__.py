"""Chaos tests: kill and starve the shop's processes, then check every law.

- schedule: visits and faults, and their times, all derived from a seed
- customers, visits, visitor_threads: what a visitor does, what came of it, and the threads that run it
- forger, mailbox: forged messages, and the visitors' mails
- shop_under_test, journal: the shop with two workers, and every lease it ever gave
- faults: the faults; each proves that it struck
- fault_runner: runs the scheduled faults, and measures how long orders take to move on
- collected_state, provider_records: the snapshot at the end, from the log, the database, the storage and the
  twins
- planted_bugs: bugs that can be planted, so that a run without findings shows that it could have some
- run, outcome, report: one run from beginning to end, and what is reported of it

The laws are in ``tests.laws``.
"""
