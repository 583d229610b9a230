"""The order aggregate and the values it is made of."""
