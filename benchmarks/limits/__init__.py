"""Programs that do the least that a row's work can cost."""
