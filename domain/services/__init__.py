"""The use cases, one module per chapter of an order's way; they know the model and the ports only."""
