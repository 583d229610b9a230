"""Contract tests of each port, on its double and real adapter."""
