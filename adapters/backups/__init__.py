"""Backups of the database: copied by PostgreSQL's programs, encrypted, in parts."""
