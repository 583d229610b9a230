"""Reconciliation: compare the log with the providers, the storage and itself."""
