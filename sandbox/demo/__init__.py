"""A customer over HTTP, and the local shop that they visit."""
