"""JSON routes for customers and probes, and their schemas."""
