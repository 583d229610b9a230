"""Metrics for Prometheus: definitions, counters, gauges of the database."""
