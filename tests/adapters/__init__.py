"""Tests particular to one adapter; those of a port are in tests/contracts."""
