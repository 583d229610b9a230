"""The log compared with what the providers and the storage have on record."""
