"""From the restored photos to the customer."""
