"""The model by example, and by any life Hypothesis can think of."""
