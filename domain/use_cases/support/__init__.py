"""Actions of staff, requests of customers, and what needs attention."""
