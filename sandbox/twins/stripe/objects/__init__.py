"""The shapes of Stripe's objects, with every field that is always there."""
