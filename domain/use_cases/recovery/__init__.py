"""Detection of a database restored from a backup, and its recovery."""
