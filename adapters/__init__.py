"""Adapters: one implementation per port, translating without deciding."""
