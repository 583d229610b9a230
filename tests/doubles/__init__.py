"""In-memory doubles of the provider ports: deterministic, no I/O, no threads; each keeps a ledger a test can read."""
