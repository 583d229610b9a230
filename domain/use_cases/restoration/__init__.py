"""Restoration: originals, predictions and validation of their outputs."""
