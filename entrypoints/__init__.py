"""HTTP, worker and command line, their settings and the composition root."""
