"""The whole world on one machine: real servers out of wheels, and HTTP twins of the paid providers."""
