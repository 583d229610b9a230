"""Parsing shared by webhooks and listings."""
