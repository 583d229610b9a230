"""The order's life, read top to bottom: values, events, lifecycle, order, decisions, reactions, pricing."""
