"""One suite per port, run on the in-memory double and on the real adapter against the twin or the real server."""
