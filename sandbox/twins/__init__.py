"""HTTP twins of the paid providers: the same protocol, without costs."""
