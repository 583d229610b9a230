"""Doorways: HTTP, worker and command line, and the one place where everything is wired."""
