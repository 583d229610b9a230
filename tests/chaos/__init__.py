"""Chaos on the real shop: its processes are killed and starved for two minutes, then its books are checked.

schedule      who comes when, and what is done to what when: all of it follows from a seed
customers     what a visitor does, like a browser; visits, crowd: what comes of it, and the threads that do it
stage         the shop with its two workers, and the ways to it; journal: every lease it ever gave
faults        what can be done to it; each proves that it struck
conductor     does what is planned, and measures how long it takes until orders move on
dossier       all evidence in the end: the log, the database, the storage and the twins' own ledgers
laws          the laws of the house, each held against the dossier
plants        bugs that can be planted, so that a run which finds nothing shows that it could
run, report   one run from beginning to end, and what is told of it
"""
