"""Photos on their way through the restorer."""
