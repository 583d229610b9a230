"""The twin of Replicate: the predictions API, with real local restoration."""
