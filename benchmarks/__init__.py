"""The shop's speed beside its limits and peers; see docs/performance.md."""
