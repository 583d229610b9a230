"""What is particular to one adapter; what every adapter of a port owes is in tests/contracts."""
