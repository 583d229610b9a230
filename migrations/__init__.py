"""Migrations of the database schema, each named for the fact it establishes."""
