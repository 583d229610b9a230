"""HTTP twins of the paid providers: the same protocol, none of the money."""
