"""The shop's books on PostgreSQL: the event log, the read models that follow from it, and the outstanding work."""
