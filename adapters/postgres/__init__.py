"""PostgreSQL: event log, read models, reactions and the other tables."""
