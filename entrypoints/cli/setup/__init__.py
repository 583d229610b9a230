"""The first steps of an installation: settings, and one real order."""
