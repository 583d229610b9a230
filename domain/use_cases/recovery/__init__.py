"""Noticing a database that was restored from a backup, and putting the shop right after it."""
