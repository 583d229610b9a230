"""The database's schema, step by step; each revision is named for the fact it establishes."""
