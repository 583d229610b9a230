"""From the first photo to the payment page."""
