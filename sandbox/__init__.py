"""All external services on one machine: servers from wheels, provider twins."""
