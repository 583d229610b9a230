"""Watch the shop: figures, conditions that need someone, letters to the owner."""
