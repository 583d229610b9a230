"""What the readers of webhooks and of the providers' lists have in common."""
