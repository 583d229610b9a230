"""Log verification, timelines and dispute evidence."""
