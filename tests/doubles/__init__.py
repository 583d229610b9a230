"""In-memory doubles of the ports: deterministic, without I/O or threads.

Each keeps a ledger that a test can read.
"""
