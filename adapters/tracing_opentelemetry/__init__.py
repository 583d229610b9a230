"""Traces for OpenTelemetry: one for each order, by its id.

Only this package imports OpenTelemetry, and it is imported only if traces are exported.
"""
